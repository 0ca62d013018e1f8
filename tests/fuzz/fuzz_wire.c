/* Any bytes at all as a message of a client: it is a request of the core, or refused with a
 * sentence. */
#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_request request;
    const char *problem = NULL;
    char name[CORE_NAME_MAX];
    uint64_t number;
    bool flag;

    enum core_result rc = wire_decode((const char *)data, size, &request, &problem);
    require((rc == CORE_OK) == (problem == NULL));
    if (rc != CORE_OK) return 0;
    require(json_is_object(request.body));
    if (wire_name(request.body, "session", name)) require(strlen(name) < sizeof name);
    (void)wire_number(request.body, "cursor", &number);
    (void)wire_bool(request.body, "value", &flag);
    wire_request_free(&request);
    return 0;
}

/* Any bytes at all as the daemon's configuration: read or refused in one sentence with its place;
 * and as a signed token, which is never good. */
#include "sessiond/config.h"
#include "sessiond/jwt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TOKEN_MAX = 4096 };

static void require(bool condition)
{
    if (!condition) abort();
}

static void check_file(const uint8_t *data, size_t size)
{
    char problem[OPTION_PROBLEM_MAX] = "", path[64];
    struct options options;
    int fd = memfd_create("config", MFD_CLOEXEC);

    require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    require(options_init(&options));
    bool fine = config_read_file(&options, path, problem);
    require(fine == (problem[0] == 0));
    require(fine || strncmp(problem, path, strlen(path)) == 0);
    if (fine) (void)options_check(&options, problem);
    options_free(&options);
    close(fd);
}

/* Nobody guesses the key. */
static void check_token(const uint8_t *data, size_t size)
{
    static const unsigned char key[] = "0123456789abcdef0123456789abcdef";
    char token[TOKEN_MAX];
    struct jwt_claims claims;

    if (size >= sizeof token) return;
    memcpy(token, data, size);
    token[size] = 0;
    require(!jwt_verify(token, key, sizeof key - 1, &claims));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_file(data, size);
    check_token(data, size);
    return 0;
}

/* The core's trace as a file, for `harness import`. */
#include "sessiond/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void put(void *context, const char *line, size_t length)
{
    FILE *out = context;
    (void)fwrite(line, 1, length, out); /* a failure is seen when it is closed */
    (void)fputc('\n', out);
}

static bool write_all(struct service *service, FILE *out)
{
    bool written = core_trace_write(service->core, put, out) == CORE_OK && ferror(out) == 0;
    return fclose(out) == 0 && written;
}

/* What was there before stays until all of it is written. */
bool service_trace(struct service *service, char problem[SERVICE_PROBLEM_MAX])
{
    const char *path = service->options->trace;
    char part[4096];
    if (path[0] == 0 || service->options->settings.trace_ring == 0) {
        snprintf(problem, SERVICE_PROBLEM_MAX, "set trace to a file and trace_ring to a number");
        return false;
    }
    snprintf(part, sizeof part, "%s.part", path);
    (void)unlink(part); /* of another time: its owner and mode would stay */
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL && fd >= 0) close(fd);
    if (out != NULL && write_all(service, out) && rename(part, path) == 0) return true;
    snprintf(problem, SERVICE_PROBLEM_MAX, "%s: %s", path, strerror(errno));
    (void)unlink(part);
    return false;
}

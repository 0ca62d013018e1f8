#include "output.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool refuse(struct report_problem *problem, const char *path, int reason)
{
    snprintf(problem->text, sizeof problem->text, "cannot write %.400s: %s", path,
             strerror(reason));
    return false;
}

/* Every folder that the path leads through. */
static bool make_folders(char *path, struct report_problem *problem)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int rc = mkdir(path, 0777);
        if (rc != 0 && errno != EEXIST) return refuse(problem, path, errno);
        *slash = '/';
    }
    return true;
}

bool output_open(struct output *output, const char *folder, const char *name,
                 struct report_problem *problem)
{
    int length = snprintf(output->path, sizeof output->path, "%s%s%s", folder ? folder : "",
                          folder ? "/" : "", name);

    if (length <= 0 || (size_t)length >= sizeof output->path)
        return refuse(problem, name, length == 0 ? ENOENT : ENAMETOOLONG);
    if (!make_folders(output->path, problem)) return false;
    output->file = fopen(output->path, "w");
    return output->file != NULL || refuse(problem, output->path, errno);
}

bool output_close(struct output *output, struct report_problem *problem)
{
    bool failed = ferror(output->file) != 0;
    int reason = failed ? EIO : 0;

    errno = 0;
    if (fclose(output->file) != 0) reason = errno != 0 ? errno : EIO;
    output->file = NULL;
    return reason == 0 || refuse(problem, output->path, reason);
}

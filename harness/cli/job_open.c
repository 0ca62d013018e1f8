/* From a path to a job: the scenario, the words that it may use, the build of the core. */
#include "job.h"

#include "harness/cli/image.h"
#include "harness/cli/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool job_invalid(struct job *job, char *text)
{
    job->text = text;
    job->report.verdict = REPORT_INVALID;
    job->report.text = text;
    return false;
}

static char *print_diagnostics(const struct scn_diagnostics *diagnostics)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL) return NULL;
    scn_print_diagnostics(out, diagnostics);
    fclose(out);
    return text;
}

static const char *const *point_names(const struct core_api *api)
{
    static const char *names[512];
    size_t count = api->trace_point_count();
    for (uint32_t i = 0; i < count && i < 511; i++) names[i] = api->trace_point_info(i)->name;
    return names;
}

static const char *const *operation_names(void)
{
    static const char *names[WORLD_OP_COUNT + 1];
    memcpy(names, world_op_words, sizeof world_op_words);
    return names;
}

struct scn_options job_words(void)
{
    extern const struct image image_core_image;
    return (struct scn_options){point_names(cli_image_api(&image_core_image)), operation_names()};
}

static bool open_image(struct job *job)
{
    char problem[1024];
    const struct scn_attr *image = scn_attrs_find(&job->file->cores[0].attrs, "image");
    job->image =
        cli_image(image ? image->value.text : NULL, job->options->core, problem, sizeof problem);
    if (job->image) return true;
    char place[16] = "", *text;
    if (image) snprintf(place, sizeof place, ":%u", image->place.line);
    if (asprintf(&text, "%s%s: error: %s\n", job->path, place, problem) < 0) return false;
    return job_invalid(job, text);
}

bool job_parse(struct job *job, const char *path, const struct cli_options *options)
{
    struct scn_diagnostics diagnostics;
    *job = (struct job){.path = path, .options = options};
    job->report.path = path;
    const struct scn_options words = job_words();
    job->file = scn_parse(path, &words, &diagnostics);
    if (job->file == NULL) {
        job_invalid(job, print_diagnostics(&diagnostics));
        scn_diagnostics_free(&diagnostics);
        return false;
    }
    scn_diagnostics_free(&diagnostics);
    job->report.file = job->file;
    size_t bytes;
    job->source = scn_read_file(path, SCN_BYTES_MAX, &bytes);
    job->shared = worker_shared(sizeof *job->shared);
    return true;
}

bool job_open(struct job *job, const char *path, const struct cli_options *options)
{
    return job_parse(job, path, options) && open_image(job);
}

void job_free(struct job *job)
{
    if (job->options == &job->kept_options) scene_transport(STAGE_AS_TOLD);
    if (job->file) scn_file_free(job->file);
    if (job->shared) munmap(job->shared, sizeof *job->shared);
    if (job->part) shard_end(job->part);
    free(job->part);
    free(job->key);
    free(job->kept_token);
    free(job->corpus_file);
    free(job->source);
    free(job->text);
}

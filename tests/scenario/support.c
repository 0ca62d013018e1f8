#include "tests/scenario/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *support_read(const char *folder, const char *name)
{
    char path[512];
    char *bytes;
    char *text;
    size_t size;

    snprintf(path, sizeof(path), SOURCE_ROOT "/%s/%s", folder, name);
    bytes = scn_read_file(path, 1 << 20, &size);
    if (bytes == NULL) fail_msg("cannot read %s", path);
    text = malloc(size + 1);
    assert_non_null(text);
    memcpy(text, bytes, size);
    text[size] = '\0';
    free(bytes);
    return text;
}

const struct scn_file *support_parse(const char *path, const char *text)
{
    struct scn_diagnostics diagnostics;
    const struct scn_file *file =
        scn_parse_bytes(path, text, strlen(text), NULL, &diagnostics);

    if (file == NULL) {
        scn_print_diagnostics(stderr, &diagnostics);
        fail_msg("%s should be accepted", path);
    }
    assert_int_equal(diagnostics.total, 0);
    scn_diagnostics_free(&diagnostics);
    return file;
}

char *support_diagnostics(const char *path, const char *bytes, size_t size)
{
    struct scn_diagnostics diagnostics;
    const struct scn_file *file = scn_parse_bytes(path, bytes, size, NULL, &diagnostics);
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    assert_true((file == NULL) == (diagnostics.total > 0));
    assert_non_null(out);
    scn_print_diagnostics(out, &diagnostics);
    fclose(out);
    scn_diagnostics_free(&diagnostics);
    scn_file_free(file);
    return text;
}

char *support_plan(const struct scn_file *file)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    scn_plan(out, file);
    fclose(out);
    return text;
}

char *support_format(const char *path, const char *source)
{
    struct scn_diagnostics diagnostics;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    if (!scn_format(out, path, source, strlen(source), NULL, &diagnostics))
        scn_print_diagnostics(stderr, &diagnostics);
    assert_int_equal(diagnostics.total, 0);
    scn_diagnostics_free(&diagnostics);
    fclose(out);
    return text;
}

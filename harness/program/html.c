#include "html.h"

#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/output.h"
#include "reports/page.h"
#include "reports/symbols.h"
#include "reports/text.h"
#include "steps.h"

enum { ROWS_SHOWN = 48 };

/* What a function prints, as malloc'ed text. */
static char *printed(void (*print)(FILE *out, const struct tell *tell), const struct tell *tell)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    REQUIRE(out != NULL);
    print(out, tell);
    REQUIRE(fclose(out) == 0);
    return text;
}

static void add_block(struct page *page, const char *title,
                      void (*print)(FILE *out, const struct tell *tell), const struct tell *tell)
{
    char *text = printed(print, tell);
    page_block(page, title, text);
    free(text);
}

static void print_sentence(FILE *out, const struct tell *tell)
{
    char *text = symbols_expand(tell->life->finding.text);
    fputs(text, out);
    free(text);
}

static void print_origin(FILE *out, const struct tell *tell)
{
    char text[256];
    tell_origin(tell, text, sizeof text);
    fprintf(out, "%s\n", text);
    steps_needs(out, 0);
}

static void print_token(FILE *out, const struct tell *tell)
{
    char *token = token_write(tell->failure->choices, tell->failure->count);
    REQUIRE(token != NULL);
    fputs(token, out);
    free(token);
}

static void print_output(FILE *out, const struct tell *tell)
{
    char *text = capture_text(tell->output);
    fputs(text, out);
    free(text);
}

static void add_head(struct page *page, const struct tell *tell)
{
    enum world_finding_kind kind = tell->life->finding.kind;
    char *sentence = printed(print_sentence, tell), *origin = printed(print_origin, tell);
    page_head(page, "name", tell->name);
    page_head(page, "verdict", tell_verdict(kind));
    page_head(page, "promise", world_finding_words[kind]);
    page_head(page, "text", sentence);
    page_head(page, "origin", origin);
    free(sentence);
    free(origin);
}

bool html_write_program(const struct tell *tell, struct report_problem *problem)
{
    const struct explore_failure *failure = tell->failure;
    struct output output;
    if (!output_open(&output, tell->folder, "index.html", problem)) return false;
    struct page *page = page_new();
    add_head(page, tell);
    steps_page(page, &tell->life->finding, failure->choices, failure->count, ROWS_SHOWN);
    page_decisive(page, tell->decisive);
    page_no_return(page, tell->no_return);
    add_block(page, "What was found", tell_found, tell);
    add_block(page, "Output of this execution", print_output, tell);
    add_block(page, "Replay", tell_replay, tell);
    add_block(page, "Token", print_token, tell);
    page_write(output.file, page);
    page_free(page);
    return output_close(&output, problem);
}

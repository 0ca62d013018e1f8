/* sequence.mmd: the diagram as Mermaid draws it. */
#include "writers.h"

#include "reports/text.h"

/* A semicolon or a number sign would end a statement; line ends cannot be. */
static void put_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == ';')
            fputs("#59;", out);
        else if (*text == '#')
            fputs("#35;", out);
        else
            fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
    }
}

static void put_label(FILE *out, const struct diagram_row *row)
{
    char time[32];

    text_time((int64_t)(row->time_ns / 1000), time, sizeof time);
    fprintf(out, ": %s ", time);
    if (row->fault) fputs("! ", out);
    put_text(out, row->label);
    if (row->label[0] != '\0' && row->effect[0] != '\0') fputs(", ", out);
    put_text(out, row->effect);
    if (row->under_way) fputs(" (leaves)", out);
    if (row->guilty) fputs(" (HERE)", out);
    fputc('\n', out);
}

static void write_row(FILE *out, const struct diagram *diagram, const struct diagram_row *row)
{
    uint32_t last = diagram->column_count - 1;

    if (row->elided > 0) {
        fprintf(out, "    Note over p0");
        if (last > 0) fprintf(out, ",p%u", last);
        fprintf(out, ": %u more\n", row->elided);
        return;
    }
    if (row->to == DIAGRAM_NOWHERE)
        fprintf(out, "    Note over p%u", row->at);
    else
        fprintf(out, "    p%u->>p%u", row->at, row->to);
    put_label(out, row);
}

void mermaid_write(FILE *out, const char *title, const struct diagram *diagram)
{
    fputs("sequenceDiagram\n    title ", out);
    put_text(out, title);
    fputc('\n', out);
    for (uint32_t i = 0; i < diagram->column_count; i++) {
        fprintf(out, "    participant p%u as ", i);
        put_text(out, diagram->columns[i]);
        fputc('\n', out);
    }
    for (uint32_t i = 0; i < diagram->row_count; i++) write_row(out, diagram, &diagram->rows[i]);
}

/* One line of a file as tokens; a bad one says what is wrong with it. */
#include "harness/scenario/internal.h"

#include <string.h>

struct lexer {
    struct scn_arena *arena;
    const char *text;
    uint32_t length;
    uint32_t offset;
    uint32_t column;
    struct scn_tokens *tokens;
};

static const struct { const char *word; int64_t unit_us; } units[] = {
    { "us", 1 }, { "ms", 1000 }, { "s", 1000000 }, { "m", 60000000 }, { "h", 3600000000 },
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

static char look(const struct lexer *lexer, uint32_t ahead)
{
    return lexer->offset + ahead < lexer->length ? lexer->text[lexer->offset + ahead] : '\0';
}

/* Go on by so many bytes; a continuation byte of UTF-8 has no column of its own. */
static void advance(struct lexer *lexer, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++, lexer->offset++)
        if (((unsigned char)lexer->text[lexer->offset] & 0xc0) != 0x80) lexer->column++;
}

static void bad(struct scn_token *token, const char *problem, const char *hint)
{
    token->kind = SCN_TOKEN_BAD;
    token->problem = problem;
    token->hint = hint;
}

/* Digits to a number; false if it does not fit. */
static bool digits_value(const char *text, uint32_t length, int64_t *number)
{
    *number = 0;
    for (uint32_t i = 0; i < length; i++) {
        if (*number > (INT64_MAX - (text[i] - '0')) / 10) return false;
        *number = *number * 10 + (text[i] - '0');
    }
    return true;
}

static bool set_unit(struct scn_token *token, const char *unit)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(unit, units[i].word) == 0) token->unit_us = units[i].unit_us;
    return token->unit_us != 0;
}

/* `token->text` is digits and what is glued to them. */
static void lex_number(struct lexer *lexer, struct scn_token *token, const char *text)
{
    uint32_t digits = 0;

    while (is_digit(text[digits])) digits++;
    if (!digits_value(text, digits, &token->number)) {
        bad(token, scn_arena_format(lexer->arena, "the number '%.*s' is too large", (int)digits,
                                    text), "the largest is 9223372036854775807");
        return;
    }
    if (text[digits] == '\0') return;
    token->kind = SCN_TOKEN_TIME;
    if (!set_unit(token, text + digits))
        bad(token, scn_arena_format(lexer->arena, "'%s' is neither a number nor a duration", text),
            "units are us, ms, s, m and h; a name begins with a letter");
    else if (token->number > SCN_TIME_MAX_US / token->unit_us)
        bad(token, scn_arena_format(lexer->arena, "the duration '%s' is too long", text),
            "the longest is 87600h");
}

static void lex_signed(struct lexer *lexer, struct scn_token *token, const char *text)
{
    lex_number(lexer, token, text + 1);
    if (token->kind == SCN_TOKEN_TIME) {
        token->kind = SCN_TOKEN_SIGNED;
        if (text[0] == '-') token->number = -token->number;
    } else if (token->kind != SCN_TOKEN_BAD) {
        bad(token, scn_arena_format(lexer->arena, "duration '%s' has no unit", text),
            scn_arena_format(lexer->arena, "write %sms or %ss", text, text));
    }
}

/* A word: a name, a number, a duration, or a signed duration. */
static void lex_word(struct lexer *lexer, struct scn_token *token)
{
    uint32_t start = lexer->offset;
    char first = look(lexer, 0);
    bool upper = false;
    char *text;

    advance(lexer, 1);
    while (is_word(look(lexer, 0))) advance(lexer, 1);
    text = scn_arena_text(lexer->arena, lexer->text + start, lexer->offset - start);
    token->text = text;
    token->kind = SCN_TOKEN_NAME;
    if (is_digit(first)) {
        token->kind = SCN_TOKEN_INT;
        lex_number(lexer, token, text);
    } else if (first == '+' || first == '-') {
        token->kind = SCN_TOKEN_INT;
        lex_signed(lexer, token, text);
    } else {
        for (char *c = text; *c != '\0'; c++) upper = upper || (*c >= 'A' && *c <= 'Z');
        if (upper || first == '_')
            bad(token, scn_arena_format(lexer->arena, "'%s' is not a name", text),
                "a name has lower case letters, digits and '_', and begins with a letter");
    }
}

static void lex_string(struct lexer *lexer, struct scn_token *token)
{
    uint32_t start = lexer->offset + 1;

    advance(lexer, 1);
    while (lexer->offset < lexer->length && look(lexer, 0) != '"') advance(lexer, 1);
    token->kind = SCN_TOKEN_STRING;
    token->text = scn_arena_text(lexer->arena, lexer->text + start, lexer->offset - start);
    if (lexer->offset == lexer->length)
        bad(token, "this string has no closing quote", "a string ends on its own line");
    else
        advance(lexer, 1);
}

static const struct sign {
    const char *text;
    enum scn_token_kind kind;
    enum scn_relation relation;
} signs[] = {
    /* Longer ones first. */
    { "..", SCN_TOKEN_DOTS, SCN_RELATION_NONE },
    { "->", SCN_TOKEN_ARROW, SCN_RELATION_NONE },
    { "==", SCN_TOKEN_RELATION, SCN_RELATION_EQ },
    { "!=", SCN_TOKEN_RELATION, SCN_RELATION_NE },
    { "<=", SCN_TOKEN_RELATION, SCN_RELATION_LE },
    { ">=", SCN_TOKEN_RELATION, SCN_RELATION_GE },
    { "<", SCN_TOKEN_RELATION, SCN_RELATION_LT },
    { ">", SCN_TOKEN_RELATION, SCN_RELATION_GT },
    { "=", SCN_TOKEN_ASSIGN, SCN_RELATION_NONE },
    { ":", SCN_TOKEN_COLON, SCN_RELATION_NONE },
    { ",", SCN_TOKEN_COMMA, SCN_RELATION_NONE },
    { ".", SCN_TOKEN_DOT, SCN_RELATION_NONE },
    { "/", SCN_TOKEN_SLASH, SCN_RELATION_NONE },
    { "[", SCN_TOKEN_OPEN, SCN_RELATION_NONE },
    { "]", SCN_TOKEN_CLOSE, SCN_RELATION_NONE },
};

/* What a stranger to the language may have meant by a sign that it does not have. */
static const char *sign_hint(char c)
{
    switch (c) {
    case '#': return "a comment begins at the line start or after a space";
    case '{': case '}': return "blocks have no braces: an indented line belongs to its block";
    case '\'': return "a string stands in double quotes";
    case '-': return "names have '_' in place of '-'";
    case '&': case '|': return "write two lines; each fails with its own message";
    default: return NULL;
    }
}

static void lex_sign(struct lexer *lexer, struct scn_token *token)
{
    uint32_t start = lexer->offset;

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        size_t length = strlen(signs[i].text);
        if (lexer->length - start < length) continue;
        if (memcmp(lexer->text + start, signs[i].text, length) != 0) continue;
        advance(lexer, (uint32_t)length);
        token->kind = signs[i].kind;
        token->relation = signs[i].relation;
        token->text = signs[i].text;
        return;
    }
    advance(lexer, 1);
    while (lexer->offset < lexer->length && (look(lexer, 0) & 0xc0) == 0x80) advance(lexer, 1);
    token->text = scn_arena_text(lexer->arena, lexer->text + start, lexer->offset - start);
    bad(token, scn_arena_format(lexer->arena, "'%s' means nothing here", token->text),
        sign_hint(token->text[0]));
}

static void lex_token(struct lexer *lexer, struct scn_token *token)
{
    char c = look(lexer, 0);

    if (is_word(c) || ((c == '+' || c == '-') && is_digit(look(lexer, 1))))
        lex_word(lexer, token);
    else if (c == '"')
        lex_string(lexer, token);
    else
        lex_sign(lexer, token);
}

static void finish(struct lexer *lexer, const struct scn_token *last)
{
    struct scn_token *end = &lexer->tokens->items[lexer->tokens->count];

    end->kind = SCN_TOKEN_END;
    end->text = "";
    end->column = last != NULL ? last->column_end : 1;
    end->column_end = end->column;
    end->offset = last != NULL ? last->offset_end : 0;
    end->offset_end = end->offset;
}

void scn_lex(struct scn_arena *arena, const struct scn_line *line, struct scn_tokens *tokens)
{
    struct lexer lexer = { arena, line->text, line->length, 0, 1, tokens };
    struct scn_token *last = NULL;

    memset(&tokens->items[0], 0, sizeof(tokens->items[0]));
    tokens->count = 0;
    tokens->comment = NULL;
    if (lexer.length > SCN_LINE_BYTES_MAX) lexer.length = SCN_LINE_BYTES_MAX;
    for (;;) {
        uint32_t before = lexer.offset;
        struct scn_token *token = &tokens->items[tokens->count];

        while (look(&lexer, 0) == ' ') advance(&lexer, 1);
        if (lexer.offset == lexer.length) break;
        if (look(&lexer, 0) == '#' && (lexer.offset > before || lexer.offset == 0)) {
            tokens->comment_column = lexer.column;
            tokens->comment = scn_arena_text(arena, lexer.text + lexer.offset,
                                             lexer.length - lexer.offset);
            break;
        }
        memset(token, 0, sizeof(*token));
        token->spaced = lexer.offset > before;
        token->column = lexer.column;
        token->offset = lexer.offset;
        lex_token(&lexer, token);
        token->column_end = lexer.column;
        token->offset_end = lexer.offset;
        last = token;
        tokens->count++;
    }
    memset(&tokens->items[tokens->count], 0, sizeof(tokens->items[0]));
    finish(&lexer, last);
}

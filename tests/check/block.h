/* A scene for the tests of check lines: two cores, a box, two tabs, an agent, and a fault. */
#ifndef TESTS_CHECK_BLOCK_H
#define TESTS_CHECK_BLOCK_H

#include "tests/check/stream.h"

static const char actors[] =
    "core one two\n"
    "sandbox box project=shop\n"
    "tab left right user=alice project=shop via=one\n"
    "  open: connect\n"
    "  wait 1s\n"
    "agent bot session=s1 via=two\n"
    "  token: emit token times 4\n"
    "  ask: ask deploy timeout=30s\n"
    "faults\n"
    "  crash: may crash box for 1s\n";

enum { BOX = FIRST, LEFT = SECOND, RIGHT = THIRD, BOT = FOURTH };

static inline void begin(const char *checks)
{
    char text[4096];
    (void)snprintf(text, sizeof text, "%scheck\n  on no_crash\n%s", actors, checks);
    stream_begin(text);
}

/* The first line of the block is the second check of the file. */
enum { FIRST_LINE = CHECK_FILE + 1, SECOND_LINE };

static inline void spawn(int64_t port, int64_t instance)
{
    SEE(PR_SPAWN, BOX, .port = port, .instance = instance, .app = W("web"), .sandbox = W("box"),
        .fence = instance);
}

static inline void leave(int64_t port, int64_t instance, bool child)
{
    SEE(PR_EXIT, BOX, .port = port, .instance = instance, .child = child, .sandbox = W("box"));
}

static inline void receive(uint16_t tab, const char *kind, const char *code)
{
    SEE(CLIENT_RECV, tab, .kind = W(kind), .code = W(code));
}

static inline void settle(const char *outcome)
{
    SEE(ANSWER, LEFT, .id = W("deploy"), .value = W("yes"));
    SEE(PROMPT_OPEN, BOT, .id = W("deploy"));
    SEE(PROMPT_DONE, BOT, .id = W("deploy"), .outcome = W(outcome));
}

#endif

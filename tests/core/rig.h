/*
 * A core on real threads with ports in memory: tabs that pull their frames, a message store that
 * can be told to misbehave, and one agent function. Deadlines here only stop a test that hangs.
 */
#ifndef TESTS_CORE_RIG_H
#define TESTS_CORE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "session_core.h"

#include <jansson.h>
#include <pthread.h>

enum { RIG_TABS = 16, TAB_FRAMES = 4096, MEMORY_EVENTS = 4096 };

#define MS(n) ((uint64_t)(n) * 1000u)

/* One connection as its client sees it. */
struct tab {
    struct rig *rig;
    struct conn_ref conn;
    bool open, wanted, told_to_close;
    enum core_close_code code;
    json_t *frames[TAB_FRAMES];
    size_t count, seen;          /* seen: frames that tab_expect has passed */
    uint64_t cursor, epoch, gen; /* newest event applied; from connection_ready */
};

struct memory_event {
    uint64_t seq, key;
    char *type, *payload;
    size_t length;
};

/* One session's stream is enough for these tests. It outlives cores. */
struct memory_store {
    struct message_store_port port;
    pthread_mutex_t lock;
    bool exists;
    char owner[CORE_NAME_MAX];
    uint64_t epoch, tenure, head, floor;
    struct memory_event events[MEMORY_EVENTS];
    uint64_t appends, trims; /* calls; those that trimmed */
    int unanswered;          /* so many appends give UNKNOWN */
    bool applied;            /* and whether they take effect */
    int refused;             /* so many appends give LIMIT */
    int unanswered_loads;
    unsigned slow_us;        /* each load takes so long */
};

void memory_store_init(struct memory_store *store);
void memory_store_free(struct memory_store *store);

struct rig {
    struct core *core;
    struct core_config config;
    pthread_mutex_t lock;
    pthread_cond_t changed;  /* anything below, or a tab's wanted and told_to_close */
    struct tab *tabs[RIG_TABS];
    enum core_result (*agent)(struct rig *rig, struct run_context *run);
    void *agent_context;
    uint64_t agents_run, stops_asked;
    int flags[8];            /* for agents and tests to tell each other things */
};

void rig_init(struct rig *rig);
void rig_start(struct rig *rig);
/* Drains, destroys, and fails if anything was left. Tabs are closed. */
void rig_stop(struct rig *rig);
/* The same for a core that has been drained. */
void rig_finish(struct rig *rig);
struct session_ref rig_session(struct rig *rig, const char *key);

void rig_raise(struct rig *rig, int flag);
void rig_await(struct rig *rig, int flag);

/* Opens a connection; nothing is said yet. */
struct tab *tab_open(struct rig *rig, const char *user);
/* The transport reports the end; the tab is freed. */
void tab_close(struct tab *tab);
void tab_send(struct tab *tab, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Pulls what there is. */
void tab_pump(struct tab *tab);
/* Pulls at most this many frames. */
size_t tab_pull(struct tab *tab, size_t most);
/* The next frame of this type, not looked at before; waits for it. Frames before it are skipped. */
json_t *tab_expect(struct tab *tab, const char *type);
/* Waits until the core asks for the close. */
enum core_close_code tab_expect_close(struct tab *tab);
/* Frames of this type so far. */
size_t tab_count(struct tab *tab, const char *type);
/* hello without a cursor, and its acknowledgement after the replay. */
struct tab *tab_connect(struct rig *rig, const char *user, const char *session);
struct tab *tab_connect_at(struct rig *rig, const char *user, const char *session, uint64_t epoch,
                           uint64_t cursor);
/* All events pulled so far: each seq is the one before plus 1, starting after `after`. */
void tab_assert_in_order(struct tab *tab, uint64_t after);

json_int_t frame_number(const json_t *frame, const char *field);
const char *frame_word(const json_t *frame, const char *field);
const json_t *frame_payload(const json_t *frame);

uint64_t emit_ok(struct run_context *run, const char *type);
struct run_ref submit_ok(struct rig *rig, struct session_ref session, const char *key);
/* Waits until the run has ended, and returns how. */
enum run_state await_end(struct rig *rig, struct run_ref run);

/* Waits for the condition; the test fails if it does not come true. */
#define RIG_AWAIT(condition)                                                                       \
    do {                                                                                           \
        int patience = 60000;                                                                      \
        while (!(condition) && patience-- > 0)                                                     \
            rig_breathe();                                                                         \
        assert_true(condition);                                                                    \
    } while (0)

void rig_breathe(void);

#endif

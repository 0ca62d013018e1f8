/* Record streams written by hand, fed to the checks of a small scenario.
 *
 * One stream at a time: stream_begin(scenario), SEE(...) for every record, then stream_verdict().
 */
#ifndef TESTS_CHECK_STREAM_H
#define TESTS_CHECK_STREAM_H

/* CMocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/check/check.h"

/* Begins with the text of a scenario, all but its first line. Fails the test if it is wrong. */
void stream_begin(const char *scenario);
/* The same with a file of scenarios/, "late_connect.scn". */
void stream_begin_file(const char *name);
/* Begins another execution of the same scenario. */
void stream_again(void);
void stream_end(void);

/* Begins with a session in which left, the first actor, has applied events 1 and 2 of epoch 1; the
 * second one publishes, right (the third) follows another session, and eve (the fourth) is nobody's
 * guest. `core`: settings of the core, or "". */
void stream_begin_session(const char *core);

struct check_set *stream_set(void);

/* Virtual time of the records that follow; only ever grows. */
void stream_at_ms(uint64_t time_ms);

/* How often the listener was told of a violation since stream_begin. */
uint32_t stream_told(void);

void stream_see(enum record_kind kind, uint16_t subject, uint16_t from, uint16_t to,
                const union record_values *values);

/* SEE(CLIENT_APPLY, LEFT, .session = W("s1"), ...): the first two actors are LEFT and RIGHT. */
#define SEE(kind, subject, ...) SEE_ARROW(kind, subject, PARTY_NOBODY, PARTY_NOBODY, __VA_ARGS__)
#define SEE_ARROW(kind, subject, from, to, ...) \
    stream_see(RECORD_##kind, (subject), (from), (to), \
               &(const union record_values){ .kind = { __VA_ARGS__ } })
#define W(text) record_intern(text)

enum { FIRST = PARTY_ACTOR, SECOND, THIRD, FOURTH };

/* The calm: begins now, and is over after so many milliseconds. */
void stream_calm(uint64_t length_ms);

/* Ends the execution; its violation, or NULL. */
const struct check_violation *stream_verdict(void);
/* The same with a finding of the world. */
const struct check_violation *stream_found(enum world_finding_kind kind, const char *text);

/* Ends the execution, which must violate that property with that sentence, or nothing at all. */
void stream_violates(uint32_t property, const char *text);
void stream_holds(void);

/* Whether this execution exercised the invariant; after its end. */
bool stream_exercised(enum scn_invariant invariant);

/* Does the handshake of a tab: socket `conn`, cursor (0: none), the log floor..head of epoch. */
void stream_attach(uint16_t tab, int64_t conn, int64_t epoch, int64_t cursor, int64_t head);
/* The network cuts that connection. */
void stream_cut(uint16_t tab, int64_t conn);
/* The store gets event seq of session s1 whose content is `digest`. */
void stream_append(int64_t epoch, int64_t seq, int64_t digest);
void stream_apply(uint16_t tab, int64_t epoch, int64_t seq, int64_t digest);

#endif

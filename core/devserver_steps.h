/* The steps of a dev server's procedure. No lock is held in any of them. */
#ifndef CORE_DEVSERVER_STEPS_H
#define CORE_DEVSERVER_STEPS_H

#include "core/devserver.h"

/* The server as it was at the beginning of the step. */
struct server_view {
    struct server server;
    bool draining;
};

/* ---- devserver_steps.c ---- */

/* Returns PROCEDURE_NOW. */
uint64_t server_enter(struct turn *turn, struct server *server, enum server_stage stage);

/* Is what goes on to be stopped, whoever waits for a start? */
bool server_must_stop(const struct server_view *view);

/* Is the lease under which this was begun still ours? */
bool server_may_act(const struct server *server);

/* It is not: get one again. */
uint64_t server_suspend(struct turn *turn, struct server *server);

/* The start or stop is over, and nothing is known to run. */
uint64_t server_give_up(struct turn *turn, struct server *server, enum core_result result);

/* The start is over: an instance that it left is killed first. */
uint64_t server_fail(struct turn *turn, struct server *server, enum core_result result);

/* The provider refused our token, or the sandbox is gone. */
uint64_t server_refused(struct turn *turn, struct server *server, enum core_result result);

/* Looks again after a backoff, or fails if there is no time left. */
uint64_t server_retry(struct turn *turn, struct server *server, enum core_result result);

/* ---- devserver_start.c ---- */

uint64_t server_surveying(struct turn *turn, struct server *server,
                          const struct server_view *view);
uint64_t server_spawning(struct turn *turn, struct server *server, const struct server_view *view);
uint64_t server_probing(struct turn *turn, struct server *server, const struct server_view *view);

/* Does the present instance live? OK, NOT_FOUND, or why that is not known. */
enum core_result server_look(const struct server *server, const struct sandbox_grip *grip);

/* ---- devserver_end.c ---- */

uint64_t server_term(struct turn *turn, struct server *server, const struct server_view *view);
uint64_t server_ending(struct turn *turn, struct server *server, const struct server_view *view);
uint64_t server_killing(struct turn *turn, struct server *server, const struct server_view *view);

/* Nothing runs any more: tells, answers, leaves. */
uint64_t server_ended(struct turn *turn, struct server *server);

/* Another core holds the lease: ends our own instance, then waits for the lease. */
uint64_t server_kill_superseded(struct turn *turn, struct server *server);

#endif

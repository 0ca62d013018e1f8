/* One search by several processes. The first worker searches; the others wait for parts. Whoever
 * searches, and sees somebody wait, gives a part away. When it comes to where that part belongs it
 * goes on with what was found there, or, while that is not ready, searches parts of that part. So
 * what is found is put together in the order of one process, at any number of them.
 *
 * The budget is that of one process, too: a part that turns out to be larger than what is left is
 * searched again by the first worker, up to where the budget ends. */
#define _GNU_SOURCE /* ppoll */
#include "crew.h"
#include "split.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { BLOCK_RUNS = 64, NONE = UINT32_MAX, OUT_OF_MEMORY = 5, PAUSE_NS = 50000, AWAY_MAX = 64 };

/* Executions in a row. */
struct block {
    struct explore_stats explored;
    uint32_t next; /* block that comes after it; NONE */
    uint32_t hash_count;
    uint64_t hashes[BLOCK_RUNS];
};

enum part_state { PART_FREE, PART_OFFERED, PART_TAKEN, PART_ENDED };

struct part {
    _Atomic int state;    /* enum part_state */
    uint32_t giver;       /* part of which it is a part; NONE */
    uint32_t first, last; /* its blocks; NONE: none yet */
    uint64_t runs, done;  /* executions that count; and those that were given up, too */
    uint32_t failed;      /* part that holds the failure, itself or a part of it; NONE */
    uint64_t failed_at;   /* its number in this part */
    bool complete;
    char stop_text[WORLD_TEXT_MAX]; /* not empty: the search cannot go on */
    struct parcel task, news, report;
    struct explore_failure failure;
};

struct counters {
    _Atomic uint32_t waiting; /* workers that have nothing to do */
    _Atomic uint32_t offered; /* parts that nobody has taken yet */
    _Atomic uint32_t next_block;
    _Atomic bool stop;
    _Atomic uint64_t runs;    /* done so far, by anybody */
};

/* One crew at a time; its workers are copies of this process. */
static struct {
    const struct crew *crew;
    const struct explore_subject *subject;
    struct explore_log *logs;
    struct part *parts;
    struct block *blocks;
    char *found, *extra; /* the crew's own part of each part, of each block */
    struct counters *counters;
    uint32_t part_count, block_count, own_slot;
    struct worker workers[CREW_JOBS_MAX];
} all;

/* A part, while a worker searches it. */
struct hunt {
    uint32_t part;
    struct strategy *strategy;
    uint32_t away_count;
    struct away {
        uint32_t where, part; /* see split->give() */
    } away[AWAY_MAX];
};

static bool is_stopped(void)
{
    return atomic_load(&all.counters->stop);
}

static bool change(struct part *part, int from, int to)
{
    return atomic_compare_exchange_strong(&part->state, &from, to);
}

/* For that reason, if it is one. */
static void give_up(struct part *part, const char *why)
{
    snprintf(part->stop_text, sizeof part->stop_text, "%s", why);
}

/* --- executions --- */

static void append(struct part *part, uint32_t first, uint32_t last)
{
    if (first == NONE) return;
    if (part->first == NONE) part->first = first;
    else all.blocks[part->last].next = first;
    part->last = last;
}

static void count_class(void *context, uint64_t class_hash)
{
    struct block *block = context;
    block->hashes[block->hash_count++] = class_hash;
    if (all.crew->counted_here) all.crew->counted_here(all.crew->context, class_hash);
}

static struct explore_options block_options(const struct hunt *hunt, struct block *block)
{
    struct explore_options options = all.crew->how;
    const struct part *part = &all.parts[hunt->part];
    uint64_t left = options.runs_max - part->runs;
    options.custom = hunt->strategy;
    options.first_run = part->done + (hunt->part != 0); /* only one execution is the default */
    options.runs_max = left < BLOCK_RUNS ? left : BLOCK_RUNS;
    options.counted = count_class;
    options.counted_context = block;
    options.count_no_classes = true;
    return options;
}

static void keep_failure(const struct hunt *hunt, const struct explore_failure *failure)
{
    const struct crew *crew = all.crew;
    struct part *part = &all.parts[hunt->part];
    part->failure = *failure;
    part->failed = hunt->part;
    part->failed_at = failure->run - (hunt->part != 0);
    if (crew->failed) {
        crew->failed(crew->context, failure, all.found + hunt->part * crew->found_bytes);
    }
}

/* False: the part ends here. *pause: the strategy does not go on by itself. */
static bool explore_block(const struct hunt *hunt, bool *pause)
{
    static struct explore_failure failure;
    const struct crew *crew = all.crew;
    struct part *part = &all.parts[hunt->part];
    uint32_t number = atomic_fetch_add(&all.counters->next_block, 1);
    if (number >= all.block_count) {
        give_up(part, "searching with several processes takes too much memory");
        return false;
    }
    struct block *block = &all.blocks[number];
    struct explore_options options = block_options(hunt, block);
    block->next = NONE;
    if (crew->block_begins) crew->block_begins(crew->context);
    if (explore_run(all.subject, &options, &block->explored, &failure) != 0) return false;
    if (crew->block_ends) crew->block_ends(crew->context, all.extra + number * crew->block_bytes);
    append(part, number, number);
    part->runs += block->explored.runs;
    part->done += block->explored.runs + block->explored.redundant;
    atomic_fetch_add(&all.counters->runs, block->explored.runs);
    *pause = block->explored.complete;
    if (failure.id != EXPLORE_PASSED) keep_failure(hunt, &failure);
    if (block->explored.stopped) give_up(part, world_stop_text());
    return failure.id == EXPLORE_PASSED && !block->explored.stopped;
}

/* --- giving and taking --- */

static uint32_t free_part(void)
{
    for (uint32_t i = 1; i < all.part_count; i++) {
        if (change(&all.parts[i], PART_FREE, PART_TAKEN)) return i;
    }
    return NONE;
}

static void begin_part(struct part *part, uint32_t giver)
{
    part->giver = giver;
    part->first = part->last = part->failed = NONE;
    part->runs = part->done = 0;
    part->complete = false;
    part->stop_text[0] = '\0';
    parcel_empty(&part->task);
    parcel_empty(&part->news);
    parcel_empty(&part->report);
}

/* A new part, taken by nobody but the caller; NONE: there is none. */
static uint32_t give(struct hunt *hunt)
{
    uint32_t number = hunt->away_count < AWAY_MAX ? free_part() : NONE;
    if (number == NONE) return NONE;
    struct part *part = &all.parts[number];
    begin_part(part, hunt->part);
    uint32_t where = hunt->strategy->split->give(hunt->strategy, &part->task);
    if (where != 0) {
        hunt->away[hunt->away_count++] = (struct away){where, number};
        return number;
    }
    atomic_store(&part->state, PART_FREE);
    return NONE;
}

/* If somebody waits. */
static void offer(struct hunt *hunt)
{
    struct counters *counters = all.counters;
    if (atomic_load(&counters->waiting) <= atomic_load(&counters->offered)) return;
    uint32_t number = give(hunt);
    if (number == NONE) return;
    atomic_fetch_add(&counters->offered, 1);
    atomic_store(&all.parts[number].state, PART_OFFERED);
}

static bool belongs_to(uint32_t number, uint32_t whole)
{
    while (number != NONE && number != whole) number = all.parts[number].giver;
    return number == whole;
}

/* A part that nobody has taken, of that part or (NONE) any; NONE: there is none. */
static uint32_t take_part(uint32_t whole)
{
    for (uint32_t i = 1; i < all.part_count; i++) {
        struct part *part = &all.parts[i];
        if (atomic_load(&part->state) != PART_OFFERED) continue;
        if (whole != NONE && !belongs_to(i, whole)) continue;
        if (!change(part, PART_OFFERED, PART_TAKEN)) continue;
        atomic_fetch_sub(&all.counters->offered, 1);
        return i;
    }
    return NONE;
}

static void hunt_part(uint32_t number);

static void wait_a_little(void)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_NS};
    atomic_fetch_add(&all.counters->waiting, 1);
    ppoll(NULL, 0, &pause, NULL);
    atomic_fetch_sub(&all.counters->waiting, 1);
}

/* Searches that part, or waits. */
static void help(uint32_t number)
{
    if (number != NONE) hunt_part(number);
    else wait_a_little();
}

/* Until that part has been searched: its parts, or others that are known meanwhile. */
static void await(struct hunt *hunt, uint32_t number)
{
    struct part *other = &all.parts[number], *part = &all.parts[hunt->part];
    const struct split *split = hunt->strategy->split;
    while (atomic_load(&other->state) != PART_ENDED && !is_stopped()) {
        split->hear(hunt->strategy, &other->news);
        split->tell(hunt->strategy, &part->news);
        uint32_t next = take_part(number);
        help(next != NONE ? next : give(hunt));
    }
    split->hear(hunt->strategy, &other->news);
}

/* --- a part --- */

static uint32_t remove_away(struct hunt *hunt, uint32_t where)
{
    uint32_t at = 0;
    while (hunt->away[at].where != where) at++;
    uint32_t number = hunt->away[at].part;
    hunt->away[at] = hunt->away[--hunt->away_count];
    return number;
}

/* What was found in a part is as if it had been found here. */
static void take_over(struct part *part, struct part *other)
{
    append(part, other->first, other->last);
    part->failed = other->failed;
    part->failed_at = part->done + other->failed_at;
    part->runs += other->runs;
    part->done += other->done;
    memcpy(part->stop_text, other->stop_text, sizeof part->stop_text);
}

/* The strategy has come to a part that it gave away. False: the search ends there. */
static bool take_back(struct hunt *hunt, uint32_t where)
{
    struct strategy *strategy = hunt->strategy;
    struct part *part = &all.parts[hunt->part];
    uint32_t number = remove_away(hunt, where);
    struct part *other = &all.parts[number];
    if (change(other, PART_OFFERED, PART_FREE)) {
        atomic_fetch_sub(&all.counters->offered, 1);
        strategy->split->resume(strategy, NULL);
        return true;
    }
    await(hunt, number);
    if (is_stopped()) return false;
    bool too_large = hunt->part == 0 && other->failed == NONE &&
                     other->runs >= all.crew->how.runs_max - part->runs;
    if (!too_large) take_over(part, other);
    bool ends = !too_large && !other->complete;
    if (!ends) strategy->split->resume(strategy, too_large ? NULL : &other->report);
    if (!ends || other->failed != number) atomic_store(&other->state, PART_FREE);
    return !ends;
}

/* To its end, the end of the budget, or the first failure. */
static void search_part(struct hunt *hunt)
{
    struct part *part = &all.parts[hunt->part];
    struct strategy *strategy = hunt->strategy;
    while (!is_stopped() && part->runs < all.crew->how.runs_max) {
        bool pause;
        if (!explore_block(hunt, &pause)) return;
        strategy->split->tell(strategy, &part->news);
        uint32_t where = pause ? strategy->split->paused(strategy) : 0;
        part->complete = pause && where == 0;
        if (part->complete) return;
        if (where == 0) offer(hunt);
        else if (!take_back(hunt, where)) return;
    }
}

/* Parts that it gave away and did not come to: nobody wants them any more. */
static void recall(struct hunt *hunt)
{
    while (hunt->away_count > 0) {
        struct part *other = &all.parts[remove_away(hunt, hunt->away[0].where)];
        if (!change(other, PART_OFFERED, PART_FREE)) continue;
        atomic_fetch_sub(&all.counters->offered, 1);
    }
}

static void hunt_part(uint32_t number)
{
    struct hunt hunt = {.part = number, .strategy = strategy_new(&all.crew->how.strategy)};
    struct part *part = &all.parts[number];
    if (hunt.strategy == NULL) {
        give_up(part, "out of memory");
    } else {
        if (number != 0) hunt.strategy->split->adopt(hunt.strategy, &part->task);
        search_part(&hunt);
        if (part->complete && number != 0) {
            hunt.strategy->split->report(hunt.strategy, &part->report);
        }
        recall(&hunt);
        hunt.strategy->free(hunt.strategy);
    }
    atomic_store(&part->state, PART_ENDED);
}

/* --- workers --- */

static int work(void *argument)
{
    (void)argument;
    int code = all.crew->begin(all.crew->context, &all.logs[all.own_slot], &all.subject);
    if (code == 0 && all.own_slot == 0) hunt_part(0);
    while (code == 0 && all.own_slot != 0 && !is_stopped()) help(take_part(NONE));
    if (all.own_slot == 0) atomic_store(&all.counters->stop, true);
    return code;
}

/* Nobody waits for one that will not come back. */
static void watch(void *argument)
{
    (void)argument;
    for (uint32_t i = 0; i < all.crew->jobs; i++) {
        if (worker_is_lost(all.workers[i])) atomic_store(&all.counters->stop, true);
    }
    if (all.crew->tick) all.crew->tick(all.crew->context, atomic_load(&all.counters->runs));
}

static struct worker_result run_workers(const struct crew_outcome *outcome)
{
    struct worker_result worst = {WORKER_RETURNED, 0};
    uint32_t jobs = all.crew->jobs;
    for (all.own_slot = 0; all.own_slot < jobs; all.own_slot++) {
        all.workers[all.own_slot] = worker_start(work, NULL);
    }
    for (uint32_t i = 0; i < jobs; i++) {
        struct worker_result result = worker_wait(all.workers[i], watch, NULL);
        all.workers[i].pid = 0;
        if (result.end == WORKER_RETURNED && result.code == 0) continue;
        worst = result;
        *outcome->log = all.logs[i];
    }
    return worst;
}

/* --- putting it together --- */

static void add_block(uint32_t number, struct explore_stats *sum, struct distinct *distinct)
{
    const struct block *block = &all.blocks[number];
    const struct crew_part part = {&block->explored, block->hash_count, block->hashes,
                                   all.extra + number * all.crew->block_bytes};
    crew_add(all.crew, &part, sum, distinct);
}

static bool add_up(const struct crew_outcome *outcome)
{
    struct distinct distinct;
    const struct part *root = &all.parts[0];
    struct explore_stats *sum = outcome->explored;
    *sum = explore_stats_begin(&all.crew->how);
    sum->distinct_exact = true;
    outcome->failure->id = EXPLORE_PASSED;
    if (!distinct_init(&distinct)) return false;
    for (uint32_t i = root->first; i != NONE; i = all.blocks[i].next) add_block(i, sum, &distinct);
    distinct_free(&distinct);
    sum->complete = root->complete;
    sum->stopped = root->stop_text[0] != '\0';
    if (outcome->stop_text) memcpy(outcome->stop_text, root->stop_text, sizeof root->stop_text);
    if (root->failed == NONE) return true;
    *outcome->failure = all.parts[root->failed].failure;
    outcome->failure->run = root->failed_at;
    if (outcome->found) {
        memcpy(outcome->found, all.found + root->failed * all.crew->found_bytes,
               all.crew->found_bytes);
    }
    return true;
}

struct worker_result crew_search(const struct crew *crew, const struct crew_outcome *outcome)
{
    all.crew = crew;
    all.part_count = 1 + 16 * crew->jobs;
    all.block_count = (uint32_t)(crew->how.runs_max / (BLOCK_RUNS / 8) + (1 << 16));
    size_t parts = all.part_count, blocks = all.block_count;
    all.blocks = worker_shared(blocks * sizeof *all.blocks);
    all.extra = worker_shared(blocks * crew->block_bytes + 1);
    all.parts = worker_shared(parts * sizeof *all.parts);
    all.found = worker_shared(parts * crew->found_bytes + 1);
    all.logs = worker_shared(crew->jobs * sizeof *all.logs);
    all.counters = worker_shared(sizeof *all.counters);
    begin_part(&all.parts[0], NONE);
    struct worker_result result = run_workers(outcome);
    if (!add_up(outcome)) result = (struct worker_result){WORKER_RETURNED, OUT_OF_MEMORY};
    munmap(all.blocks, blocks * sizeof *all.blocks);
    munmap(all.extra, blocks * crew->block_bytes + 1);
    munmap(all.parts, parts * sizeof *all.parts);
    munmap(all.found, parts * crew->found_bytes + 1);
    munmap(all.logs, crew->jobs * sizeof *all.logs);
    munmap(all.counters, sizeof *all.counters);
    return result;
}

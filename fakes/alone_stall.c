/* A transport that does not get on: it takes no frame of a connection, or does not tell that one
 * was sent. A core that is alone waits for as long as send_stall says, to the moment. */
#include "fakes/alone_line.h"

/* Deeds begin at whole milliseconds, at which no clock of the core runs out. */
enum { EARLY_US = 2100, LATE_US = 900, SECOND_US = 1000000 };

static void tell(const struct line *line, const char *what, uint64_t told, uint64_t right)
{
    alone_tell(line->alone, what, told, right);
}

/* The next frame is under way; returns its number. */
static uint64_t take_frame(struct line *line)
{
    const struct core_api *api = line->alone->api;
    struct conn_frame frame;

    bool given = api->conn_next(line->alone->core, line->conn, &frame);
    tell(line, "whether there is a frame to be held", given, true);
    tell(line, "the number of a frame that is held", frame.number, ++line->frames);
    tell(line, "the event of a frame that is held", frame.seq, ++line->cursor);
    line->alone->frames++;
    api->conn_frame_free(&frame);
    return line->frames;
}

static void go_on(struct line *line, uint64_t held)
{
    tell(line, "whether a slow transport is given up before its time", line->cut, false);
    if (held != 0) line->alone->api->conn_sent(line->alone->core, line->conn, held);
    line_due_news(line);
}

static void give_up(struct line *line)
{
    world_sleep_until(ahead_ns(EARLY_US));
    line->over = true;
    alone_detach(line->alone, line->session);
    alone_settle();
    line_due_loss(line, CORE_CLOSE_SLOW);
    world_sleep_until(ahead_ns(LATE_US));
}

void line_stall(struct line *line)
{
    uint64_t stall_us = line->alone->settings.send_stall_us;

    line_calm_down(line);
    /* Until no deadline is left of the frames before. */
    if (line->beat_ns >= ahead_ns(2 * SECOND_US) && alone_draw("after_a_pause"))
        world_sleep_until(ahead_ns(SECOND_US));
    if (line->beat_ns < ahead_ns(stall_us + 2 * EARLY_US)) return;
    uint64_t begun_us = now_us();
    if (!line_publish(line)) return;
    bool held = alone_draw("a_frame_under_way");
    if (held) begun_us = now_us();
    uint64_t number = held ? take_frame(line) : 0;
    world_sleep_until(us_ns(begun_us + stall_us - EARLY_US));
    if (alone_draw("in_time")) go_on(line, number);
    else give_up(line);
}

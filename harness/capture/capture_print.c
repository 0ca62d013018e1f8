/* What was read of a capture, as text. */
#include <inttypes.h>
#include <string.h>

#include "harness/capture/capture.h"

/* --- messages --- */

static const char *opcode_word(enum websocket_opcode opcode)
{
    switch (opcode) {
    case WEBSOCKET_TEXT: return "text";
    case WEBSOCKET_BINARY: return "binary";
    case WEBSOCKET_CLOSE: return "close";
    case WEBSOCKET_PING: return "ping";
    case WEBSOCKET_PONG: return "pong";
    case WEBSOCKET_CONTINUATION: break;
    }
    return "?";
}

static void print_message(FILE *out, uint32_t connection, const struct capture *capture,
                          const struct capture_message *message)
{
    /* Time stamps may run backwards. */
    double seconds = (double)(int64_t)(message->time_ns - capture->begin_ns) / 1e9;
    struct websocket_message close = { message->opcode, (const uint8_t *)message->bytes,
                                       message->length, 1 };

    (void)fprintf(out, "%u %u %.9f %s %s ", connection, message->packet, seconds,
                  message->from_client ? "->" : "<-", opcode_word(message->opcode));
    if (message->opcode == WEBSOCKET_CLOSE) {
        (void)fprintf(out, "%u\n", websocket_close_code(&close));
        return;
    }
    for (size_t i = 0; i < message->length; i++) {
        unsigned char byte = (unsigned char)message->bytes[i];
        if (byte < 32 || byte == 127 || (message->opcode != WEBSOCKET_TEXT && byte > 126))
            (void)fprintf(out, "\\x%02x", byte);
        else
            (void)fputc(byte, out);
    }
    (void)fputc('\n', out);
}

static const char *kind_note(enum capture_kind kind)
{
    switch (kind) {
    case CAPTURE_STREAM: return " (an event stream: its request is a hello)";
    case CAPTURE_REQUESTS: return " (requests, as the messages that mean the same)";
    case CAPTURE_SOCKET:
    case CAPTURE_OTHER: break;
    }
    return "";
}

void capture_print(FILE *out, const struct capture *capture)
{
    uint32_t number = 0;

    for (uint32_t i = 0; i < capture->count; i++) {
        const struct capture_connection *connection = capture->connections[i];
        char client[PACKET_ADDRESS_TEXT], server[PACKET_ADDRESS_TEXT];
        if (connection->kind == CAPTURE_OTHER) continue;
        packet_address_text(&connection->client, client);
        packet_address_text(&connection->server, server);
        (void)fprintf(out, "# connection %u: %s to %s %s%s, packet %u\n", ++number, client, server,
                      connection->path, kind_note(connection->kind), connection->packet);
        for (uint32_t m = 0; m < connection->count; m++)
            print_message(out, number, capture, &connection->messages[m]);
    }
}

/* --- a summary --- */

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* Whether one before it was passed over for the same reason. */
static bool was_told(const struct capture *capture, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(capture->connections[i]->why, capture->connections[index]->why) == 0)
            return true;
    }
    return false;
}

static void print_passed_over(FILE *out, const struct capture *capture, const char *mark)
{
    for (uint32_t i = 0; i < capture->count; i++) {
        const struct capture_connection *first = capture->connections[i];
        uint32_t count = 0;
        if (first->why[0] == '\0' || was_told(capture, i)) continue;
        for (uint32_t j = i; j < capture->count; j++)
            count += strcmp(capture->connections[j]->why, first->why) == 0;
        (void)fprintf(out, "%spassed over: %u connection%s from packet %u on: %s\n", mark, count,
                      plural(count), first->packet, first->why);
    }
}

static void print_requests(FILE *out, const struct capture *capture, const char *mark)
{
    uint64_t foreign = 0, refused = 0;
    uint32_t status = 0;

    for (uint32_t i = 0; i < capture->count; i++) {
        foreign += capture->connections[i]->foreign;
        refused += capture->connections[i]->refused;
        if (status == 0) status = capture->connections[i]->status;
    }
    if (foreign > 0)
        (void)fprintf(out, "%spassed over: %" PRIu64 " request%s of HTTP that mean nothing to a "
                      "scenario\n", mark, foreign, plural(foreign));
    if (refused > 0)
        (void)fprintf(out, "%spassed over: %" PRIu64 " request%s that a server refused, the first "
                      "with status %u\n", mark, refused, plural(refused), status);
}

void capture_summary(FILE *out, const struct capture *capture, const char *mark)
{
    uint32_t kinds[CAPTURE_REQUESTS + 1] = { 0 };
    uint64_t messages = 0;

    for (uint32_t i = 0; i < capture->count; i++) {
        kinds[capture->connections[i]->kind]++;
        messages += capture->connections[i]->count;
    }
    if (capture->trace) {
        (void)fprintf(out, "%s%u lines of a core's trace: %u connection%s, %" PRIu64 " messages\n",
                      mark, capture->packets, capture->count, plural(capture->count), messages);
        return;
    }
    (void)fprintf(out, "%s%u packet%s, %u TCP connection%s: %u WebSocket%s, %u event stream%s, %u "
                  "with requests; %" PRIu64 " message%s\n", mark, capture->packets,
                  plural(capture->packets), capture->tcp, plural(capture->tcp),
                  kinds[CAPTURE_SOCKET], plural(kinds[CAPTURE_SOCKET]), kinds[CAPTURE_STREAM],
                  plural(kinds[CAPTURE_STREAM]), kinds[CAPTURE_REQUESTS], messages,
                  plural(messages));
    if (capture->foreign > 0)
        (void)fprintf(out, "%spassed over: %u packet%s without TCP over IP\n", mark,
                      capture->foreign, plural(capture->foreign));
    if (capture->unmatched > 0)
        (void)fprintf(out, "%spassed over: %u packet%s that the filter leaves out\n", mark,
                      capture->unmatched, plural(capture->unmatched));
    print_requests(out, capture, mark);
    print_passed_over(out, capture, mark);
}

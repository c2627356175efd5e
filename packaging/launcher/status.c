/* Messages on descriptor 5: what the launcher waits for, and why it failed. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

enum { MAX_WAITS = 12 }; /* reports of waiting: with one failure they fit into the smallest pipe */

struct message message;

void set_text(const char *text)
{
    size_t length = strnlen(text, sizeof message.text - 1);

    memcpy(message.text, text, length);
    message.text[length] = 0;
}

static void send_message(void)
{
    while (write(STATUS, &message, sizeof message) < 0 && errno == EINTR)
        ;
}

void report_wait(enum stage stage, int32_t place, const char *text)
{
    static int count;

    message.stage = stage;
    message.place = place;
    set_text(text);
    if (count++ < MAX_WAITS)
        send_message();
}

_Noreturn void fail(int error)
{
    message.failed = 1;
    message.error = error;
    send_message();
    _exit(127);
}

void *allocate(size_t size)
{
    void *found = malloc(size);

    if (!found)
        fail(ENOMEM);
    return found;
}

/* What the launcher tells on descriptor 5: what it waits for, and what went wrong. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

enum { MOST_TOLD = 12 }; /* of what is waited for: with a failure it fits into the smallest pipe */

struct told told;

void set_text(const char *text)
{
    size_t length = strnlen(text, sizeof told.text - 1);

    memcpy(told.text, text, length);
    told.text[length] = 0;
}

static void write_told(void)
{
    while (write(STATUS, &told, sizeof told) < 0 && errno == EINTR)
        ;
}

void waits_for(enum stage stage, int32_t place, const char *text)
{
    static int count;

    told.stage = stage;
    told.place = place;
    set_text(text);
    if (count++ < MOST_TOLD)
        write_told();
}

_Noreturn void fail(int error)
{
    told.failed = 1;
    told.error = error;
    write_told();
    _exit(127);
}

void *memory(size_t size)
{
    void *found = malloc(size);

    if (!found)
        fail(ENOMEM);
    return found;
}

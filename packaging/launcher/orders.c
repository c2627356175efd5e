/* The orders on descriptor 4: numbers of 8 bytes, and texts with their length before and a NUL behind them. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"

static char *at, *end;

void take_orders(void)
{
    struct stat status;

    if (fstat(ORDERS, &status) < 0)
        fail(errno);
    at = memory(status.st_size + 1);
    end = at + read_all(ORDERS, at, status.st_size);
    close(ORDERS);
}

int64_t number(void)
{
    int64_t found;

    if (end - at < (ptrdiff_t)sizeof found)
        fail(EBADMSG);
    memcpy(&found, at, sizeof found);
    at += sizeof found;
    return found;
}

char *text(void)
{
    int64_t length = number();
    char *found = at;

    if (length < 0 || length >= end - at || at[length] != 0)
        fail(EBADMSG);
    at += length + 1;
    return found;
}

/* How many of something follow. */
int64_t count(void)
{
    int64_t found = number();

    if (found < 0 || found > end - at)
        fail(EBADMSG);
    return found;
}

/* So many texts, with a null pointer behind them. */
char **texts(void)
{
    int64_t so_many = count();
    char **found = memory((so_many + 1) * sizeof *found);

    for (int64_t each = 0; each < so_many; each++)
        found[each] = text();
    found[so_many] = NULL;
    return found;
}

/* Reads the request on descriptor 4: numbers of 8 bytes; texts as their length, their bytes and a NUL. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"

static char *at, *end;

void read_request(void)
{
    struct stat status;

    if (fstat(REQUEST, &status) < 0)
        fail(errno);
    at = allocate(status.st_size + 1);
    end = at + read_all(REQUEST, at, status.st_size);
    close(REQUEST);
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

/* A text that may contain any byte. */
char *bytes(size_t *size)
{
    int64_t length = number();
    char *found = at;

    if (length < 0 || length >= end - at || at[length] != 0)
        fail(EBADMSG);
    at += length + 1;
    *size = length;
    return found;
}

char *text(void)
{
    size_t size;

    return bytes(&size);
}

/* The number of items that follow. */
int64_t count(void)
{
    int64_t found = number();

    if (found < 0 || found > end - at)
        fail(EBADMSG);
    return found;
}

/* A counted list of texts, terminated by a null pointer. */
char **texts(void)
{
    int64_t size = count();
    char **found = allocate((size + 1) * sizeof *found);

    for (int64_t each = 0; each < size; each++)
        found[each] = text();
    found[size] = NULL;
    return found;
}

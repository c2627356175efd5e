/* Opens and reads files; opens only regular ones. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"

/* Reads a whole file, at most `most` bytes; returns their number. */
size_t read_all(int file, char *into, size_t most)
{
    size_t size = 0;
    ssize_t more = 1;

    while (size < most && more != 0) {
        more = read(file, into + size, most - size);
        if (more < 0 && errno != EINTR)
            fail(errno);
        size += more > 0 ? more : 0;
    }
    return size;
}

/* Opens the file of an O_PATH descriptor (which has opened nothing yet: no device, no FIFO), if it is regular. */
int open_regular(int at)
{
    struct stat status;
    char path[] = "/proc/self/fd/0000000000";
    int digit = sizeof path - 1, file;

    if (fstat(at, &status) < 0)
        fail(errno);
    if (!S_ISREG(status.st_mode)) {
        set_text("not a regular file");
        fail(0);
    }
    for (int left = at; left > 0; left /= 10)
        path[--digit] = '0' + left % 10;
    memmove(path + strlen("/proc/self/fd/"), path + digit, sizeof path - digit);
    file = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (file < 0)
        fail(errno);
    close(at);
    return file;
}

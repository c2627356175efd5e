/* Inside a systemd unit: systemd has set limits and priority, and has taken the rights of the user. The request is on
   standard input, and messages go to standard error: systemd opened both files with its own rights, in a directory that
   this user cannot enter. The program's standard error is its standard output, the journal. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "launcher.h"

void enter_unit(void)
{
    hide_from_user(); /* first: systemd has executed this file with the rights of the user */
    if (dup2(STDERR_FILENO, STATUS) < 0 || dup2(STDIN_FILENO, REQUEST) < 0)
        _exit(127);
    if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
        fail(errno);
}

static int file_with(const char *data, size_t size)
{
    int file = memfd_create("stdin", MFD_CLOEXEC);

    if (file < 0)
        fail(errno);
    while (size > 0) {
        ssize_t written = write(file, data, size);

        if (written < 0 && errno != EINTR)
            fail(errno);
        data += written > 0 ? written : 0;
        size -= written > 0 ? written : 0;
    }
    if (lseek(file, 0, SEEK_SET) < 0)
        fail(errno);
    return file;
}

/* What the program reads on its standard input: nothing of the request. */
void read_input(void)
{
    size_t size;
    const char *data = bytes(&size);
    int file;

    message.stage = READING_REQUEST;
    file = size > 0 ? file_with(data, size) : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (file < 0 || dup2(file, STDIN_FILENO) < 0)
        fail(errno);
    close(file);
}

/* The launcher: turns itself into the process of one run.

   What a task's user, its environment or its environment files can steer is looked at here, with that user's rights,
   and never by the daemon: a file that does not answer holds up this process alone. It is linked statically and starts
   with the run's id alone in its environment, so nothing of the task's is in force before the program itself is executed.

   Orders come on descriptor 4, as launcher.py writes them. Limits and priority are set with the daemon's rights; then
   those of the user are taken on, and everything else is done with them. Descriptor 5 tells what is being waited for,
   and what went wrong; it is closed by the execution of the program. Descriptors 0 to 3 are the program's. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

enum { FORMAT = 1 };

/* `/` will do where it is only the user's home, which not every user has or may enter. */
static void enter_directory(void)
{
    const char *directory = text();
    int homeless = number() != 0;

    waits_for(DIRECTORY, 0, directory);
    if (chdir(directory) == 0)
        return;
    if (!homeless || (errno != ENOENT && errno != ENOTDIR && errno != EACCES) || chdir("/") < 0)
        fail(errno);
}

int main(void)
{
    char **environment, **argv;

    prctl(PR_SET_NAME, "rocketd-launch"); /* it was executed by the number of a descriptor */
    fcntl(STATUS, F_SETFD, FD_CLOEXEC);
#ifdef SYS_close_range
    syscall(SYS_close_range, STATUS + 1, ~0u, 0); /* nothing should be there; what is, no program gets */
#endif
    take_orders();
    if (number() != FORMAT)
        fail(EBADMSG);
    umask(number());
    limit();
    set_priority();
    become_the_user();
    environment = take_environment();
    enter_directory();
    argv = texts();
    if (!*argv)
        fail(EBADMSG);
    execute(argv, environment);
}

/* The launcher: turns itself into the process of one run.

   Every path that the task's user, its environment or its environment files control is accessed here, with that user's
   rights, and never by the daemon: a file that does not respond blocks only this process. The launcher is linked
   statically and starts with only the run's id in its environment, so nothing of the task takes effect before its
   program is executed.

   The request is on descriptor 4, as launcher_protocol.py writes it. Limits and priority are set with the daemon's rights;
   then it takes the rights of the user, and does everything else with them. Descriptor 5 carries messages: what it
   waits for, and why it failed; the execution of the program closes it. Descriptors 0 to 3 are the program's.

   With the argument `unit` it is the process of a systemd unit: see unit.c. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

enum { FORMAT = 1 };

/* `/` replaces the user's home, which not every user has or may enter. */
static void enter_directory(void)
{
    const char *directory = text();
    int home_optional = number() != 0;

    report_wait(DIRECTORY, 0, directory);
    if (chdir(directory) == 0)
        return;
    if (!home_optional || (errno != ENOENT && errno != ENOTDIR && errno != EACCES) || chdir("/") < 0)
        fail(errno);
}

int main(int count_of_arguments, char **arguments)
{
    static char *nothing[] = {NULL};
    int in_unit = count_of_arguments > 1 && strcmp(arguments[1], "unit") == 0;
    char **environment, **argv;

    prctl(PR_SET_NAME, "rocketd-launch"); /* else it would be the number of a descriptor */
    if (in_unit)
        enter_unit();
    fcntl(STATUS, F_SETFD, FD_CLOEXEC);
#ifdef SYS_close_range
    syscall(SYS_close_range, STATUS + 1, ~0u, 0); /* nothing should be there; the program must not get it */
#endif
    read_request();
    if (number() != FORMAT)
        fail(EBADMSG);
    umask(number());
    limit();
    set_priority();
    become_the_user();
    environment = build_environment(in_unit ? environ : nothing);
    enter_directory();
    argv = texts();
    if (!*argv)
        fail(EBADMSG);
    if (in_unit) {
        read_input();
        limit(); /* the size of files: messages go to a file as well */
    }
    execute(argv, environment);
}

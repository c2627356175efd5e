/* What needs the daemon's rights: setting limits and priority, and switching to the task's user for good. */

#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

void limit(void)
{
    for (int64_t left = count(); left > 0; left--) {
        int64_t resource = number(), soft = number(), hard = number();
        struct rlimit limits = {soft < 0 ? RLIM_INFINITY : (rlim_t)soft, hard < 0 ? RLIM_INFINITY : (rlim_t)hard};

        message.stage = LIMIT;
        message.place = resource;
        if (setrlimit(resource, &limits) < 0)
            fail(errno);
    }
}

/* A user who may not raise the priority gets a warning, and the run goes on, as under nice(1). */
void set_priority(void)
{
    int64_t changes = number(), nice = number();
    static const char refused[] = "rocketd: this user may not raise the priority: nice has no effect\n";

    if (changes && setpriority(PRIO_PROCESS, 0, nice) < 0 && write(STDERR_FILENO, refused, sizeof refused - 1) < 0)
        return;
}

static void drop_capabilities(int keeps)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, sets) < 0)
        fail(errno);
    for (int each = 0; each < _LINUX_CAPABILITY_U32S_3; each++) {
        sets[each].inheritable = 0;
        sets[each].effective = keeps ? sets[each].effective : 0;
        sets[each].permitted = keeps ? sets[each].permitted : 0;
    }
    if (syscall(SYS_capset, &header, sets) < 0)
        fail(errno);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* empty already, as nothing is inheritable */
}

static int compare_groups(const void *one, const void *other)
{
    gid_t first = *(const gid_t *)one, second = *(const gid_t *)other;

    return (first > second) - (first < second);
}

/* Checks that the kernel has done what it was asked for. */
static int is_user(uid_t uid, gid_t gid, size_t size, gid_t *groups)
{
    uid_t uids[3];
    gid_t gids[3], *now = allocate((size + 1) * sizeof *now);

    if (getgroups(0, NULL) != (int)size || getgroups(size, now) != (int)size)
        return 0;
    if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 || getresgid(&gids[0], &gids[1], &gids[2]) < 0)
        return 0;
    qsort(now, size, sizeof *now, compare_groups);
    qsort(groups, size, sizeof *groups, compare_groups);
    return uids[0] == uid && uids[1] == uid && uids[2] == uid && gids[0] == gid && gids[1] == gid && gids[2] == gid &&
           memcmp(now, groups, size * sizeof *now) == 0;
}

/* No other process of the task's user may inspect this one before execve, or take its descriptors: they are the daemon's. A
   change of user sets this to fs.suid_dumpable, so it comes afterwards. */
void hide_from_user(void)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void become_the_user(void)
{
    int64_t changes = number(), uid, gid, size;
    gid_t *groups;

    if (!changes)
        return;
    message.stage = IDENTITY;
    uid = number();
    gid = number();
    size = count();
    groups = allocate((size + 1) * sizeof *groups);
    for (int64_t each = 0; each < size; each++)
        groups[each] = number();
    if (setgroups(size, groups) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        fail(errno);
    hide_from_user();
    drop_capabilities(uid == 0);
    if (!is_user(uid, gid, size, groups))
        fail(EPERM);
}

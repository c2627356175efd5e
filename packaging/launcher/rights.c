/* What takes the daemon's rights: limits, priority, and becoming the task's user for good. */

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

        told.stage = LIMIT;
        told.place = resource;
        if (setrlimit(resource, &limits) < 0)
            fail(errno);
    }
}

/* Who may not raise the priority is told so, and goes on, as under nice(1). */
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
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* as it must not be inheritable, it is empty already */
}

static int compare_groups(const void *one, const void *other)
{
    gid_t first = *(const gid_t *)one, second = *(const gid_t *)other;

    return (first > second) - (first < second);
}

/* A kernel that does not do as it was told is no reason to go on. */
static int is_user(uid_t uid, gid_t gid, size_t so_many, gid_t *groups)
{
    uid_t uids[3];
    gid_t gids[3], *now = memory((so_many + 1) * sizeof *now);

    if (getgroups(0, NULL) != (int)so_many || getgroups(so_many, now) != (int)so_many)
        return 0;
    if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 || getresgid(&gids[0], &gids[1], &gids[2]) < 0)
        return 0;
    qsort(now, so_many, sizeof *now, compare_groups);
    qsort(groups, so_many, sizeof *groups, compare_groups);
    return uids[0] == uid && uids[1] == uid && uids[2] == uid && gids[0] == gid && gids[1] == gid && gids[2] == gid &&
           memcmp(now, groups, so_many * sizeof *now) == 0;
}

void become_the_user(void)
{
    int64_t changes = number(), uid, gid, so_many;
    gid_t *groups;

    if (!changes)
        return;
    told.stage = IDENTITY;
    uid = number();
    gid = number();
    so_many = count();
    groups = memory((so_many + 1) * sizeof *groups);
    for (int64_t each = 0; each < so_many; each++)
        groups[each] = number();
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* the user must not look into us: until execve we have the daemon's orders */
    if (setgroups(so_many, groups) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        fail(errno);
    drop_capabilities(uid == 0);
    if (!is_user(uid, gid, so_many, groups))
        fail(EPERM);
}

/* The janitor outlives a service that is killed, removes the control groups that it leaves, and ends. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

/* Removes the directories of `parent` whose names begin with `prefix`; false while one is still in use. */
static bool sweep(const char *parent, const char *prefix)
{
    bool done = true;
    DIR *directory = opendir(parent);
    if (!directory)
        return true;
    for (struct dirent *entry; (entry = readdir(directory));)
        if (!strncmp(entry->d_name, prefix, strlen(prefix))
            && unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR) && errno == EBUSY)
            done = false;
    closedir(directory);
    return done;
}

void janitor(const char *prefix, char *const *parents)
{
    struct pollfd service = {.fd = SERVICE_FD, .events = POLLIN};
    const struct timespec pause = {.tv_nsec = 10000000};

    prctl(PR_SET_NAME, "sandbox-janitor");
    while (poll(&service, 1, -1) < 1)
        ;
    for (int attempts = 0; attempts < 1000; attempts++) { /* ten seconds: boxes end within milliseconds */
        bool done = true;
        for (char *const *parent = parents; *parent; parent++)
            done &= sweep(*parent, prefix);
        if (done)
            break;
        nanosleep(&pause, NULL);
    }
    _exit(0);
}

/* What init and every program of the box inherit: fixed limits, capabilities, Landlock, seccomp. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

/* Newer than Debian 12's headers. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif

/* struct landlock_ruleset_attr as of ABI 6 (Linux 6.12); older kernels take a prefix of it. */
struct ruleset {
    uint64_t fs, net, scoped;
};

enum {
    LANDLOCK_READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    LANDLOCK_CHANGE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE
                      | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK
                      | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM,
};

static void fix_limits(void)
{
    /* No core file, no locked memory beyond the page or two that runtimes need, no hoards of queued signals.
     * A core limit of 1 and not 0: where core_pattern is a pipe, 0 still starts its helper, as root on the host, and
     * 1 does not (kernel/coredump.c). */
    static const struct {
        int resource;
        rlim_t value;
    } fixed[] = {
        {RLIMIT_CORE, 1}, {RLIMIT_MEMLOCK, 65536}, {RLIMIT_MSGQUEUE, 0},
        {RLIMIT_NICE, 0}, {RLIMIT_RTPRIO, 0},      {RLIMIT_SIGPENDING, 1024},
    };
    for (unsigned i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        struct rlimit old, new = {fixed[i].value, fixed[i].value};
        if (getrlimit(fixed[i].resource, &old))
            fail("rlimit");
        if (old.rlim_max < fixed[i].value)
            continue; /* stricter already */
        if (setrlimit(fixed[i].resource, &new))
            fail("rlimit");
    }
}

/* Init keeps what starting and ending programs takes; the bounding set is emptied, so that nobody after it
 * gains anything by any execve. */
static void drop_capabilities(const struct setup *setup)
{
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
        if (prctl(PR_CAPBSET_DROP, cap))
            fail("bounding set");
    if (prctl(PR_SET_SECUREBITS,
              SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE
                  | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED))
        fail("securebits");

    /* The programs' group is init's as well; their uid is their own, where there are two. */
    uint32_t id = setup->wire->program_id, kept = 1U << CAP_KILL;
    if (setup->wire->init_id != id) {
        kept |= 1U << CAP_SETUID;
        if (syscall(SYS_setresgid, id, id, id))
            fail("setresgid");
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.effective = kept, .permitted = kept}, {0}};
    if (syscall(SYS_capset, &header, data))
        fail("capset");
}

static void allow_beneath(int ruleset, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {
        .allowed_access = access, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
    struct stat st;
    if (rule.parent_fd < 0 || fstat(rule.parent_fd, &st))
        fail("landlock %s", path);
    if (!S_ISDIR(st.st_mode)) /* for which the kernel takes no rights that are about entries */
        rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE
                               | LANDLOCK_ACCESS_FS_TRUNCATE;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
        fail("landlock %s", path);
    close(rule.parent_fd);
}

/* The second fence around the file system, should a mount ever be wrong; and, where the kernel can, around
 * TCP, abstract sockets and signals. */
static void apply_landlock(const struct setup *setup)
{
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        fail("landlock");

    uint64_t change = LANDLOCK_CHANGE, make_special = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;
    if (abi >= 2)
        change |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        change |= LANDLOCK_ACCESS_FS_TRUNCATE;
    struct ruleset attr = {.fs = LANDLOCK_READ | LANDLOCK_ACCESS_FS_EXECUTE | change | make_special};
    size_t size = sizeof attr.fs;
    if (abi >= 4) {
        size = offsetof(struct ruleset, scoped);
        attr.net = setup->wire->flags & WIRE_LOOPBACK ? 0 : 3; /* bind and connect of TCP: nowhere */
    }
    if (abi >= 6) {
        size = sizeof attr;
        attr.scoped = 3; /* abstract UNIX sockets and signals: within this domain */
    }
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0)
        fail("landlock");

    allow_beneath(ruleset, "/", LANDLOCK_READ | LANDLOCK_ACCESS_FS_EXECUTE);
    allow_beneath(ruleset, "/box", change);
    allow_beneath(ruleset, "/tmp", change);
    allow_beneath(ruleset, "/dev/shm", change);
    for (const char *const *device = devices; *device; device++)
        allow_beneath(ruleset, *device, LANDLOCK_ACCESS_FS_WRITE_FILE);
    for (uint32_t i = 0; i < setup->wire->mounts; i++)
        if (setup->mounts[i].kind == WIRE_BIND && setup->mounts[i].flags & WIRE_WRITABLE)
            allow_beneath(ruleset, setup->strings + setup->mounts[i].target, change);
    if (syscall(SYS_landlock_restrict_self, ruleset, 0))
        fail("landlock");
    close(ruleset);
}

static int install_filter(const struct setup *setup)
{
    if (!setup->wire->filter)
        return -1;
    struct sock_fprog program = {
        .len = (unsigned short)setup->wire->filter, .filter = (struct sock_filter *)(uintptr_t)setup->filter};
    int listener =
        (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener < 0)
        fail("seccomp");
    if (setup->wire->flags & WIRE_OBSERVED)
        return listener;
    hear_of(listener);
    return -1;
}

int confine(const struct setup *setup, int proc)
{
    fix_limits();
    /* A session keyring of its own; without it, programs would share the one of whoever started the service. */
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
        fail("keyring");
    drop_capabilities(setup);
    /* Changing credentials undoes both of these, so they come after it. Our parent is the warden and has one
     * thread, so that its death is what PDEATHSIG tells of. */
    if (prctl(PR_SET_DUMPABLE, 0))
        fail("dumpable");
    if (prctl(PR_SET_PDEATHSIG, SIGKILL))
        fail("pdeathsig");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        fail("no_new_privs");
    start_hearing(proc); /* with these rights; outside of what comes next, which is for programs */
    if (setup->wire->flags & WIRE_LANDLOCK)
        apply_landlock(setup);
    return install_filter(setup); /* last: it forbids most of the above */
}

/* What a box sees of the file system. The warden builds it once, as a template; each box gets a copy of that
 * mount namespace, and mounts only its scratch and its /proc. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", NULL};

static const struct {
    const char *target, *source;
} links[] = {
    {"/dev/fd", "/proc/self/fd"},
    {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"},
    {"/dev/stderr", "/proc/self/fd/2"},
};

/* A new mounted file system that is attached nowhere yet; options are pairs, ended by NULL. */
static int new_filesystem(const char *type, const char *const *options, unsigned attributes)
{
    int fs = fsopen(type, FSOPEN_CLOEXEC);
    if (fs < 0)
        return -1;
    for (; *options; options += 2)
        if (fsconfig(fs, FSCONFIG_SET_STRING, options[0], options[1], 0)) {
            close(fs);
            return -1;
        }
    int mounted = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) ? -1 : fsmount(fs, FSMOUNT_CLOEXEC, attributes);
    close(fs);
    return mounted;
}

static int attach(int mount, int directory, const char *path)
{
    return move_mount(mount, "", directory, path, MOVE_MOUNT_F_EMPTY_PATH);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A directory of the root. Links on the way, which a policy makes or a mount brings, lead where they will lead in the
 * box: to follow them as the kernel does by itself, from where we are, would be to make files on the host. */
static int open_in_root(int root, const char *path)
{
    struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

/* The directory of the root that a path's last part is to be made in, made where it is missing. */
static int make_parent(int root, const char *path)
{
    char above[PATH_MAX];
    int parent = open_in_root(root, ".");

    for (const char *slash = strchr(path, '/'); parent >= 0 && slash; slash = strchr(slash + 1, '/')) {
        errno = ENAMETOOLONG;
        if (snprintf(above, sizeof above, "%.*s", (int)(slash - path), path) >= PATH_MAX
            || (mkdirat(parent, last_part(above), 0755) && errno != EEXIST))
            fail("mkdir /%s", above);
        close(parent);
        parent = open_in_root(root, above);
    }
    if (parent < 0)
        fail("open above /%s", path);
    return parent;
}

/* These make the last part of a target in its directory. */

static void make_file(int parent, const char *target, const char *content)
{
    int fd = openat(parent, last_part(target), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    size_t size = strlen(content);
    if (fd < 0 || write(fd, content, size) != (ssize_t)size || close(fd))
        fail("create /%s", target);
}

/* Attaches a mount at the last part of a target, which is made if it is missing. */
static void place(int tree, bool is_directory, int parent, const char *target)
{
    if (!is_directory)
        make_file(parent, target, "");
    else if (mkdirat(parent, last_part(target), 0755) && errno != EEXIST)
        fail("mkdir /%s", target);
    if (attach(tree, parent, last_part(target)))
        fail("mount /%s", target);
}

bool is_given(const struct setup *setup, const struct wire_mount *mount)
{
    return mount->kind == WIRE_BIND && mount->flags & WIRE_OWN && setup->wire->init_id != setup->wire->program_id;
}

/* A copy of the host's mounts at and below a path. What the program can write to as its own is what was chosen, and
 * not where a link that has taken its place since then leads to. */
static int copy_tree(const char *source, uint32_t flags)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};

    if (!(flags & WIRE_OWN))
        return open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    int at = (int)syscall(SYS_openat2, AT_FDCWD, source, &how, sizeof how);
    if (at < 0)
        return -1;
    int tree = open_tree(at, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
    int error = errno;
    close(at);
    errno = error;
    return tree;
}

/* A mount with everything below it, read-only all the way down unless it is to be written; `tree` is it, or -1 for
 * one of the source. */
static void bind_mount(int parent, int tree, const char *source, const char *target, uint32_t flags)
{
    struct stat st;

    if (tree < 0)
        tree = copy_tree(source, flags);
    if (tree < 0 && errno == ENOENT && flags & WIRE_OPTIONAL)
        return;
    if (tree < 0 || fstat(tree, &st))
        fail("mount %s", source);
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID};
    if (!S_ISCHR(st.st_mode))
        attr.attr_set |= MOUNT_ATTR_NODEV;
    if (!(flags & WIRE_WRITABLE))
        attr.attr_set |= MOUNT_ATTR_RDONLY;
    if (flags & WIRE_NOEXEC)
        attr.attr_set |= MOUNT_ATTR_NOEXEC;
    if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr))
        fail("mount_setattr %s", source);
    place(tree, S_ISDIR(st.st_mode), parent, target);
    close(tree);
}

/* `tree` is the mount, should it have come along, or -1. */
static void make_mount(const struct setup *setup, int root, const struct wire_mount *mount, int tree)
{
    const char *source = setup->strings + mount->source;
    const char *target = setup->strings + mount->target + 1; /* without its leading slash: below root */

    int parent = make_parent(root, target);

    if (mount->kind == WIRE_BIND)
        bind_mount(parent, tree, source, target, mount->flags);
    else if (mount->kind == WIRE_SYMLINK) {
        if (symlinkat(source, parent, last_part(target)))
            fail("symlink /%s", target);
    } else
        make_file(parent, target, source);
    close(parent);
}

static void make_devices(int root)
{
    int dev = mkdirat(root, "dev", 0755) || mkdirat(root, "dev/shm", 0755) ? -1 : open_in_root(root, "dev");
    if (dev < 0)
        fail("mkdir /dev");
    /* Read-only keeps a program from touching the nodes themselves; writing to a device is not affected. */
    for (const char *const *device = devices; *device; device++)
        bind_mount(dev, -1, *device, *device + 1, WIRE_NOEXEC);
    close(dev);
    for (unsigned i = 0; i < sizeof links / sizeof *links; i++)
        if (symlinkat(links[i].source, root, links[i].target + 1))
            fail("symlink %s", links[i].target);
}

/* Read-only, because some of its files outlast the process that writes to them: the autogroup of init's session,
 * the projid_map of the user namespace. */
static int new_proc(unsigned attributes)
{
    static const char *const options[] = {"subset", "pid", "hidepid", "invisible", NULL};
    return new_filesystem("proc", options, attributes | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

int make_own_proc(void)
{
    /* The files of a process that cannot be dumped belong to the host's root. Nothing runs here yet, and init is
     * made undumpable again before anything does. */
    prctl(PR_SET_DUMPABLE, 1);
    int proc = new_proc(0);
    if (proc < 0)
        fail("proc");
    return proc;
}

/* A /proc for a PID namespace that ends with the process that made it: it shows nothing for ever. The kernel
 * lets a box mount its own /proc only where one is visible already (mount_too_revealing() in fs/namespace.c),
 * and this is a harmless one to be that. */
static void make_empty_proc(int root)
{
    if (mkdirat(root, "proc", 0555))
        fail("mkdir /proc");
    struct clone_args args = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0)
        fail("clone");
    if (pid == 0) {
        int proc = new_proc(MOUNT_ATTR_RDONLY);
        if (proc < 0 || attach(proc, root, "proc"))
            fail("mount /proc");
        _exit(0);
    }
    int status;
    if (waitpid(pid, &status, 0) < 0)
        fail("wait");
    if (status)
        _exit(1); /* the child has said why */
}

/* Puts the file system of `root` in the place of the host's, of which nothing stays reachable. */
static void pivot(int root)
{
    if (fchdir(root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
        fail("pivot_root");
}

void make_root(const struct setup *setup)
{
    static const char *const options[] = {"mode", "0755", "size", "4M", "nr_inodes", "4096", NULL};
    static const char *const places[] = {"box", "tmp", NULL};

    /* Nothing that is mounted here may reach the host's namespace, nor the other way round. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        fail("mount --make-rprivate");
    /* Attached on top of the host's root: absolute paths still lead into the host until the pivot. */
    int root = new_filesystem("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (root < 0 || attach(root, AT_FDCWD, "/"))
        fail("mount root");
    make_devices(root);
    for (const char *const *place = places; *place; place++)
        if (mkdirat(root, *place, 0755))
            fail("mkdir /%s", *place);
    if (setup->wire->flags & WIRE_PROC)
        make_empty_proc(root);
    const int *tree = setup->trees;
    for (uint32_t i = 0; i < setup->wire->mounts; i++)
        make_mount(setup, root, &setup->mounts[i], is_given(setup, &setup->mounts[i]) ? *tree++ : -1);
    struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
    if (mount_setattr(root, "", AT_EMPTY_PATH, &readonly, sizeof readonly))
        fail("mount_setattr /");
    pivot(root);
    close(root);
}

int make_scratch(const struct setup *setup, const struct wire_box *box)
{
    static const struct {
        const char *name;
        mode_t mode;
    } directories[] = {{"box", 0755}, {"tmp", 01777}, {"shm", 01777}};
    char size[32], inodes[32];
    const char *const options[] = {"mode", "0755", "size", size, "nr_inodes", inodes, NULL};
    uid_t owner = setup->wire->program_id;

    snprintf(size, sizeof size, "%llu", (unsigned long long)box->scratch);
    snprintf(inodes, sizeof inodes, "%llu", (unsigned long long)box->inodes + 4); /* the root and these three */
    int scratch = new_filesystem("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (scratch < 0)
        return -1;
    for (unsigned i = 0; i < sizeof directories / sizeof *directories; i++)
        if (mkdirat(scratch, directories[i].name, 0700)
            || fchownat(scratch, directories[i].name, owner, owner, AT_SYMLINK_NOFOLLOW)
            || fchmodat(scratch, directories[i].name, directories[i].mode, 0)) {
            close(scratch);
            return -1;
        }
    return scratch;
}

/* Without access times: these would tell the next run that the directory was read, which leaves no other trace. */
static void bind_scratch(const char *source, const char *target, uint64_t attributes)
{
    struct mount_attr attr = {.attr_set = attributes | MOUNT_ATTR_NOATIME, .attr_clr = MOUNT_ATTR__ATIME};
    int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof attr)
        || attach(tree, AT_FDCWD, target))
        fail("mount %s", target);
    close(tree);
}

static void raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
        fail("loopback");
    close(fd);
}

enum { MAX_COVERED = 16 };

/* What a policy mounts below /tmp would be covered by the scratch. A copy of the mount, to be placed on top of it at
 * the same path; -1 if it is elsewhere. */
static int find_covered(const struct setup *setup, uint32_t mount)
{
    const char *target = setup->strings + setup->mounts[mount].target;
    if (setup->mounts[mount].kind != WIRE_BIND || strncmp(target, "/tmp/", 5) != 0)
        return -1;
    int tree = open_tree(AT_FDCWD, target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree < 0 && !(errno == ENOENT && setup->mounts[mount].flags & WIRE_OPTIONAL))
        fail("mount %s", target);
    return tree;
}

static void uncover(int tree, const char *target)
{
    struct stat st;
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (root < 0 || fstat(tree, &st))
        fail("mount %s", target);
    int parent = make_parent(root, target + 1);
    place(tree, S_ISDIR(st.st_mode), parent, target + 1);
    close(parent);
    close(root);
    close(tree);
}

static void cover_tmp(const struct setup *setup)
{
    int covered[MAX_COVERED];
    uint32_t at[MAX_COVERED], n = 0;

    for (uint32_t i = 0; i < setup->wire->mounts; i++) {
        int tree = find_covered(setup, i);
        if (tree < 0)
            continue;
        errno = E2BIG;
        if (n == MAX_COVERED)
            fail("mounts below /tmp");
        covered[n] = tree;
        at[n++] = i;
    }
    bind_scratch("/box/tmp", "/tmp", MOUNT_ATTR_NOEXEC);
    for (uint32_t i = 0; i < n; i++)
        uncover(covered[i], setup->strings + setup->mounts[at[i]].target);
}

void enter_box(const struct setup *setup, int scratch)
{
    /* The whole scratch goes to /box first, its parts to their places, and its directory box on top of it. */
    if (attach(scratch, AT_FDCWD, "/box"))
        fail("mount /box");
    close(scratch);
    cover_tmp(setup);
    bind_scratch("/box/shm", "/dev/shm", MOUNT_ATTR_NOEXEC);
    bind_scratch("/box/box", "/box", 0);
    if (setup->wire->flags & WIRE_PROC) {
        int proc = new_proc(MOUNT_ATTR_RDONLY);
        if (proc < 0 || attach(proc, AT_FDCWD, "/proc"))
            fail("mount /proc");
        close(proc);
    }
    if (setup->wire->flags & WIRE_LOOPBACK)
        raise_loopback();
}

int open_beneath(int directory, const char *name, int flags, mode_t mode)
{
    if (!(flags & O_PATH)) /* with O_PATH, which opens nothing, openat2 does not take these */
        flags |= O_NONBLOCK | O_NOCTTY;
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    return (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
}

/* The directory `part` of `parent`, which is closed; made where it is missing. */
static int descend(int parent, const char *part, uid_t owner)
{
    bool there = mkdirat(parent, part, 0755) ? errno == EEXIST
                                             : !fchownat(parent, part, owner, owner, AT_SYMLINK_NOFOLLOW);
    int next = there ? open_beneath(parent, part, O_PATH | O_DIRECTORY, 0) : -1;
    int error = errno;
    close(parent);
    errno = error;
    return next;
}

/* The directory that `name` is to be made in, made where it is missing; `name` moves on to its last part. */
static int open_parent(int directory, const char **name, uid_t owner)
{
    int parent = open_beneath(directory, ".", O_PATH | O_DIRECTORY, 0);

    for (const char *slash = strchr(*name, '/'); parent >= 0 && slash; slash = strchr(*name, '/')) {
        char part[NAME_MAX + 2]; /* so that of a part that is too long, the kernel says so */
        snprintf(part, sizeof part, "%.*s", (int)(slash - *name), *name);
        parent = descend(parent, part, owner);
        *name = slash + 1;
    }
    return parent;
}

int put_directory(int directory, const char *name, uid_t owner)
{
    int parent = open_parent(directory, &name, owner);
    if (parent < 0)
        return -1;
    int made = descend(parent, name, owner);
    return made < 0 ? -1 : close(made);
}

int put_file(int directory, const char *name, int source, mode_t mode, uid_t owner)
{
    int parent = open_parent(directory, &name, owner);
    if (parent < 0)
        return -1;
    int file = open_beneath(parent, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    close(parent);
    if (file < 0)
        return -1;
    ssize_t copied;
    while ((copied = sendfile(file, source, NULL, 1 << 30)) > 0)
        ;
    if (copied < 0 || fchown(file, owner, owner) || fchmod(file, mode)) {
        int error = errno;
        close(file);
        errno = error;
        return -1;
    }
    return close(file);
}

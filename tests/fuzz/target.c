/* The warden and init as they are, on a host that is made up: what is received is the fuzzer's. */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <time.h>

#include "host.h"

#define _exit(status) ((void)(status), fake_exit())
#define chdir(path) (read_text(path), outcome())
#define clone(child, stack, flags, argument) ((void)(stack), fake_clone(child, argument))
#define close(fd) fake_close(fd)
#define close_range(from, to, flags) outcome()
#define dup2(fd, target) fake_dup2(fd, target)
#define execve(path, argv, envp) fake_execve(path, argv, envp)
#define fchdir(fd) on(fd)
#define fchmod(fd, mode) ((void)(mode), on(fd))
#define fchmodat(fd, path, mode, flags) ((void)(mode), make_below(fd, path))
#define fchown(fd, owner, group) ((void)(owner), on(fd))
#define fchownat(fd, path, owner, group, flags) ((void)(owner), make_below(fd, path))
#define fcntl(...) fake_fcntl(__VA_ARGS__, 0)
#define fsconfig(fs, command, key, value, aux) on(fs)
#define fsmount(fs, flags, attributes) ((void)(attributes), is_open(fs) ? opened() : -1)
#define fsopen(type, flags) ((void)(type), opened())
#define fstat(fd, st) fake_fstat(fd, st)
#define fstatfs(fd, fs) fake_fstatfs(fd, fs)
#define getrlimit(resource, limit) ((limit)->rlim_max = RLIM_INFINITY, outcome())
#define ioctl(fd, request, argument) ((void)(argument), on(fd))
#define kill(pid, signal) ((void)(pid), (void)(signal), outcome())
#define malloc(size) borrow(size)
#define mkdirat(fd, path, mode) make_below(fd, path)
#define mmap(at, size, protection, flags, fd, offset) fake_mmap(size, fd)
#define mount(source, target, type, flags, data) outcome()
#define mount_setattr(fd, path, flags, attr, size) ((void)(attr), on(fd))
#define move_mount(from, from_path, to, to_path, flags) (is_open(from) ? make_below(to, to_path) : -1)
#define munmap(memory, size) fake_munmap(memory)
#define open(path, ...) (read_text(path), opened())
#define open_tree(fd, path, flags) (read_text(path), opened())
#define openat(fd, path, ...) open_below(fd, path)
#define pipe2(ends, flags) fake_pipe2(ends)
#define poll(fds, n, timeout) fake_poll(fds, n)
#define prctl(...) fake_prctl(__VA_ARGS__, 0)
#define pread(fd, into, size, offset) fake_pread(fd, into, size)
#define pwrite(fd, data, size, offset) (on(fd) ? -1 : (ssize_t)(size))
#define read(fd, into, size) (is_open(fd) && choice() ? (ssize_t)(size) : -1)
#define recvmsg(socket, message, flags) fake_recvmsg(socket, message)
#define sched_setaffinity(pid, size, set) ((void)(set), outcome())
#define sendfile(to, from, offset, count) (is_open(to) && is_open(from) ? choice() - 2 * fails() : -1)
#define sendmsg(socket, message, flags) fake_sendmsg(socket, message)
#define setdomainname(name, size) outcome()
#define sethostname(name, size) ((void)(size), read_text(name), outcome())
#define setpgid(pid, group) outcome()
#define setrlimit(resource, limit) ((void)(limit), outcome())
#define setsid() outcome()
#define signalfd(fd, set, flags) opened()
#define sigprocmask(how, set, old) ((void)(set), outcome())
#define socket(domain, type, protocol) opened()
#define symlinkat(to, fd, path) (read_text(to), make_below(fd, path))
#define syscall(...) fake_syscall(__VA_ARGS__)
#define umask(mask) ((void)(mask))
#define umount2(path, flags) outcome()
#define unshare(namespaces) outcome()
#define wait4(pid, status, flags, usage) fake_wait4(pid, status, flags, usage)
#define waitpid(pid, status, flags) fake_wait4(pid, status, flags, NULL)
#define write(fd, data, size) (on(fd) ? -1 : (ssize_t)(size))

#include "../../sandbox/launch/init/confine.c"
#include "../../sandbox/launch/init/message.c"
#include "../../sandbox/launch/init/meters.c"
#include "../../sandbox/launch/init/root.c"
#include "../../sandbox/launch/init/warden.c"
/* These have names of their own for things that the warden has, too. */
#define packet init_packet
#define set_up init_set_up
#define reset_signals program_reset_signals
#include "../../sandbox/launch/init/preexec.c"

#include "../../sandbox/launch/init/init.c"

/* affinity.c takes nothing from a message. */
void remember_cpus(void)
{
}

void bind_init(void)
{
}

void release_init(void)
{
}

/* Nor does denials.c; its thread keeps the filter's listener. */
void start_hearing(int proc)
{
    if (on(proc))
        fail("open /proc/thread-self/stat");
}

void hear_of(int listener)
{
    if (close(listener))
        fail("thread");
}

void tell_denials(struct wire_exited *exited)
{
    exited->denied = choice() % (WIRE_DENIED + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *sent(void);

/* What the last input was answered with. */
const char *sent(void)
{
    return host.sent;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    jmp_buf exit;

    host_start(data, size);
    host.exit = &exit;
    /* As at the start of each of the processes. */
    box.pid = 0;
    box.pidfd = box.directory = children = socket_table = clear_refs = ended[0] = ended[1] = -1;
    report_socket = SOCKET_FD;
    memset(own_score, 0, sizeof own_score);
    if (!setjmp(exit))
        warden();
    host_end();
    return 0;
}

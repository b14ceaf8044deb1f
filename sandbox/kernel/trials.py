"""A script that tries what boxes are made of, each in a child of its own, and prints what happened as JSON.

`probe` runs it as a process of its own, because a namespace can be entered for good only by a process with a
single thread, and because forking a service that may have threads is asking for a deadlock. It imports nothing of
the package: it has to start quickly. Arguments: the `uid_map` of a box (lines separated by commas), and the box uid
that sets the box up.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

SECONDS = 2
"""What one trial may take; they take milliseconds."""

PROGRAM = 1000

NAMESPACES = {
    # name of the feature: (flag of unshare(2), entry of /proc/self/ns)
    "network_namespace": (0x4000_0000, "net"),
    "ipc_namespace": (0x0800_0000, "ipc"),
    "uts_namespace": (0x0400_0000, "uts"),
    "cgroup_namespace": (0x0200_0000, "cgroup"),
}
NEWUSER, NEWPID, NEWNS = 0x1000_0000, 0x2000_0000, 0x0002_0000

# Calls from 424 on have the same number on every architecture.
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446
SECCOMP, PIVOT_ROOT = {"x86_64": (317, 155), "aarch64": (277, 41)}.get(platform.machine(), (-1, -1))

AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
MS_PRIVATE, MS_REC, MNT_DETACH = 1 << 18, 1 << 14, 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38

_libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """A step of a trial did not work."""

    def __init__(self, step: str, number: int) -> None:
        super().__init__(step, number)
        self.step, self.number = step, number


def check(step: str, result: int) -> int:
    """The result of a libc function, or `Failed` with its errno."""
    if result < 0:
        raise Failed(step, ctypes.get_errno())
    return result


def syscall(step: str, number: int, *args: Any) -> int:
    """A system call that libc has no function for."""
    if number < 0:
        raise Failed(step, errno.ENOSYS)
    return check(step, _libc.syscall(number, *(ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args)))


def unshare(step: str, flag: int) -> None:
    """Enter a new namespace."""
    check(step, _libc.unshare(flag))


def write(step: str, path: str, text: str) -> None:
    """Write a file of /proc in one call, as its kind demands."""
    try:
        Path(path).write_text(text)
    except OSError as error:
        raise Failed(step, error.errno or 0) from None


# --- running a trial ---


def in_child(trial: Callable[[], str], prepare: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Run `trial` in a forked child; `prepare` is called here, with the child's pid, when it says that it is ready."""
    ready_read, ready_write = os.pipe()
    report_read, report_write = os.pipe()
    go_read, go_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(trial, ready_write, go_read, report_write)
    for fd in (ready_write, report_write, go_read):
        os.close(fd)
    try:
        if prepare and os.read(ready_read, 1):
            prepare(pid)
            os.write(go_write, b"g")
        os.close(go_write)
        with os.fdopen(report_read, "rb") as report:
            text = report.read()
    except Failed as failure:
        os.kill(pid, signal.SIGKILL)
        return {"step": failure.step, "errno": failure.number}
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(ready_read)
    if not text:
        return {"step": f"trial, which was ended by signal {os.WTERMSIG(status)}", "errno": 0}
    report_: dict[str, Any] = json.loads(text)
    return report_


_pipes = (-1, -1)


def _child(trial: Callable[[], str], ready: int, go: int, report: int) -> NoReturn:
    global _pipes  # a forked child's own copy
    _pipes = ready, go
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.alarm(SECONDS)
    try:
        outcome: dict[str, Any] = {"found": trial()}
    except Failed as failure:
        outcome = {"step": failure.step, "errno": failure.number}
    except OSError as error:
        outcome = {"step": str(error.filename or "trial"), "errno": error.errno or 0}
    os.write(report, json.dumps(outcome).encode())
    os._exit(0)


def be_mapped() -> None:
    """In a trial: enter a user namespace and become the box's uid that sets boxes up."""
    unshare("unshare user namespace", NEWUSER)
    ready, go = _pipes
    os.write(ready, b"r")
    if not os.read(go, 1):
        os._exit(1)
    # As the warden does. The uid so far has no name in here, so that this change costs no capability.
    owner = int(sys.argv[2])
    if owner != PROGRAM:
        check("setgroups", _libc.setgroups(0, None))
    os.setresgid(owner, owner, owner)
    os.setresuid(owner, owner, owner)
    _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # which the change took away; without it /proc/self is another's


def give_ids(pid: int) -> None:
    """Map the ids of a child that has entered a user namespace."""
    id_map = sys.argv[1].replace(",", "\n")
    if os.geteuid() != 0:
        write("setgroups", f"/proc/{pid}/setgroups", "deny")
        write("gid_map", f"/proc/{pid}/gid_map", f"{PROGRAM} {os.getegid()} 1")
    else:
        write("gid_map", f"/proc/{pid}/gid_map", id_map)
    write("uid_map", f"/proc/{pid}/uid_map", id_map)


# --- the trials ---


def user_namespace() -> str:
    """A user namespace with the ids of a box, below which there can be no further one."""
    be_mapped()
    write("max_user_namespaces", "/proc/sys/user/max_user_namespaces", "0")
    if _libc.unshare(NEWUSER) == 0:
        raise Failed("forbidding nested user namespaces", 0)
    return "entered, nesting refused"


def mount_namespace() -> str:
    """A root of our own with a read-only copy of a host directory, entered by pivot_root."""
    be_mapped()
    unshare("unshare mount namespace", NEWNS)
    check("mount --make-rprivate", _libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    copy = syscall("open_tree", OPEN_TREE, AT_FDCWD, b"/usr", AT_RECURSIVE | 1)
    read_only = (ctypes.c_uint64 * 4)(1 | 2 | 4, 0, 0, 0)  # struct mount_attr: RDONLY, NOSUID, NODEV
    syscall("mount_setattr", MOUNT_SETATTR, copy, b"", AT_EMPTY_PATH | AT_RECURSIVE, ctypes.byref(read_only), 32)
    check("mount tmpfs", _libc.mount(b"tmpfs", b"/usr", b"tmpfs", 0, None))
    os.mkdir("/usr/usr")
    syscall("move_mount", MOVE_MOUNT, copy, b"", AT_FDCWD, b"/usr/usr", 4)
    os.close(copy)
    os.chdir("/usr")
    syscall("pivot_root", PIVOT_ROOT, b".", b".")
    check("umount", _libc.umount2(b".", MNT_DETACH))
    if os.listdir("/") != ["usr"] or not os.statvfs("/usr").f_flag & os.ST_RDONLY:
        raise Failed("pivot_root into a read-only root", 0)
    return "own root, read-only"


def pid_namespace() -> str:
    """PID 1 of a namespace of our own."""
    be_mapped()
    unshare("unshare pid namespace", NEWPID)
    return nested(lambda: "entered" if os.getpid() == 1 else "")


def proc_mount() -> str:
    """A /proc that shows the processes of its own PID namespace and nothing else."""
    be_mapped()
    unshare("unshare mount namespace", NEWNS)
    check("mount --make-rprivate", _libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    unshare("unshare pid namespace", NEWPID)
    return nested(_mount_proc)


def _mount_proc() -> str:
    check("mount /proc", _libc.mount(b"proc", b"/proc", b"proc", 2 | 4 | 8, b"subset=pid,hidepid=invisible"))
    if sorted(os.listdir("/proc")) != ["1", "self", "thread-self"]:
        raise Failed("mount /proc with subset=pid", 0)
    return "own, processes only"


def nested(trial: Callable[[], str]) -> str:
    """Run the rest of a trial in a child, which is the first process of a new PID namespace."""
    outcome = in_child(trial)
    if "found" not in outcome:
        raise Failed(outcome["step"], outcome["errno"])
    return str(outcome["found"])


def plain_namespace(name: str) -> Callable[[], str]:
    """The trial of a namespace that is only entered."""
    flag, entry = NAMESPACES[name]

    def trial() -> str:
        be_mapped()
        before = os.readlink(f"/proc/self/ns/{entry}")
        unshare(f"unshare {entry} namespace", flag)
        if os.readlink(f"/proc/self/ns/{entry}") == before:
            raise Failed(f"unshare {entry} namespace", 0)
        return "entered"

    return trial


def unprivileged_uid() -> str:
    """A change to the programs' uid."""
    be_mapped()
    os.setresgid(PROGRAM, PROGRAM, PROGRAM)
    os.setresuid(PROGRAM, PROGRAM, PROGRAM)
    return "changed"


def seccomp() -> str:
    """A filter that hands calls to a supervisor, really installed."""
    check("prctl no_new_privs", _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    allow = (ctypes.c_uint64 * 1)(0x7FFF_0000 << 32 | 0x06)  # struct sock_filter: return SECCOMP_RET_ALLOW
    program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(allow))  # struct sock_fprog
    listener = syscall("seccomp filter with a listener", SECCOMP, 1, 8, ctypes.byref(program))
    os.close(listener)
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        raise Failed("libseccomp.so.2", errno.ENOENT) from None
    return "filter with listener"


def landlock() -> str:
    """A rule set that really forbids something."""
    abi = syscall("landlock", LANDLOCK_CREATE_RULESET, None, 0, 1)
    check("prctl no_new_privs", _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    read_directories = ctypes.c_uint64(1 << 3)
    rules = syscall("landlock rule set", LANDLOCK_CREATE_RULESET, ctypes.byref(read_directories), 8, 0)
    syscall("landlock restrict_self", LANDLOCK_RESTRICT_SELF, rules, 0)
    try:
        os.listdir("/")
    except PermissionError:
        return f"Landlock ABI {abi}"
    raise Failed("landlock, which forbids nothing", 0)


def main() -> None:
    """Make every trial and print the outcomes."""
    inside = {
        "user_namespace": user_namespace,
        "mount_namespace": mount_namespace,
        "pid_namespace": pid_namespace,
        **{name: plain_namespace(name) for name in NAMESPACES},
        "unprivileged_uid": unprivileged_uid,
        "proc_mount": proc_mount,
    }
    outcomes = {name: in_child(trial, give_ids) for name, trial in inside.items()}
    outcomes |= {"seccomp": in_child(seccomp), "landlock": in_child(landlock)}
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()

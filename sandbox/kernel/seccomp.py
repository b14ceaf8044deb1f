"""A policy's system calls as a BPF program for the kernel (seccomp(2)).

libseccomp decides by architecture and number, as a binary tree. Arguments are compared by a few instructions of our
own, appended to its program: libseccomp's comparisons are of 64 bits, and by their lack of "none of these" could only
say what is allowed of a call, not what is refused. The two are joined by marks: libseccomp is told to return a
SECCOMP_RET_TRACE with a number for everything that it does not decide, and each of these returns becomes a jump.
"""

from __future__ import annotations

import errno
import functools
import os
import struct
import sys
from types import ModuleType

from sandbox.errors import PolicyError
from sandbox.policy import Rule, Syscalls

_INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter: code, jump if true, jump if false, operand
_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_JUMP = 0x05  # BPF_JMP | BPF_JA
_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K
_ARGUMENTS = 16  # offset of args in struct seccomp_data
_MAX_INSTRUCTIONS = 4096  # BPF_MAXINSNS

_ALLOW = 0x7FFF0000  # SECCOMP_RET_ALLOW
_NOTIFY = 0x7FC00000  # SECCOMP_RET_USER_NOTIF
_ERRNO = 0x00050000  # SECCOMP_RET_ERRNO
_TRACE = 0x7FF00000  # SECCOMP_RET_TRACE: the marks
_MARK_DEFAULT = 0xFFFF  # the mark of everything that is in no list
_MARK_KILL = 0xFFFE  # the mark of what ends the run: older versions of libseccomp refuse to return _NOTIFY

Instruction = tuple[int, int, int, int]

_DUPLICATE_CLOEXEC = 1030  # F_DUPFD_CLOEXEC
_SPAWN = 0x4111  # CLONE_VM | CLONE_VFORK | SIGCHLD

_ALWAYS = """
    read write close recvmsg sendmsg ppoll wait4 vfork kill close_range dup2 dup3 setsid chdir fchdir
    setgroups setresgid setresuid capset rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack umask execve exit
    exit_group fstat newfstatat statx fstatfs clock_gettime getrusage mmap munmap brk getpid gettid openat
    setpgid pipe2 fchmod pread64 pwrite64 poll getcpu sched_yield futex
"""
INIT_CALLS: dict[str, tuple[int, ...]] = dict.fromkeys(_ALWAYS.split(), ()) | {
    "clone": (_SPAWN,),
    "mmap": (0,),
    "openat": (0, 0, 0, 0),  # which makes nothing: the mode is 0
    "fchmod": (0, 0o666),
    "fcntl": (0, 4, _DUPLICATE_CLOEXEC),
    "prlimit64": (0,),
    "sched_setaffinity": (1,),
}
"""What init does under the filter to start and end programs, harmless without privilege, with the arguments that
matter: PID 1 lives under the same filter as its programs, so that they inherit it."""

_OPEN = frozenset(_ALWAYS.split())
"""Those of init's calls that are allowed whether a policy lists them or not; the others, policies have rules for."""


WHILE_LISTENING = ("openat", "execve", "newfstatat", "statx", "chdir", "fchdir", "getpid", "gettid", "munmap", "brk")
"""Those of them that it makes only when it starts a program, at which time somebody listens, or not at all."""


def compile_filter(syscalls: Syscalls) -> bytes:
    """The filter as an array of `struct sock_filter`. `PolicyError` for calls that do not exist or that init needs.

    A call that ends the run is SECCOMP_RET_USER_NOTIF: whoever holds the listener hears of it and does the ending.
    """
    return _compile(syscalls)


def learning_filter() -> bytes:
    """A filter that leaves everything to the listener but what init does while nobody listens."""
    rules = tuple(Rule(syscall=name, action="kill", arg=0, mask=0, values=(0,)) for name in WHILE_LISTENING)
    return _assemble(Syscalls(default="kill", allow=tuple(INIT_CALLS), rules=rules))


def decide(syscalls: Syscalls, name: str, arguments: tuple[int, ...] = ()) -> str:
    """What a filter does with a call: `allow`, `kill`, `success` or the name of an error. Missing arguments are 0."""
    for rule in syscalls.rules:
        value = arguments[rule.arg] if rule.arg < len(arguments) else 0
        if rule.syscall == name and value & rule.mask in rule.values:
            return rule.action
    return _listed(syscalls, name)


def syscall_name(number: int, arch: int = 0) -> str:
    """The name of a call by its number and AUDIT_ARCH (0 is this machine's own); `syscall 999` if it has none."""
    library = _pyseccomp()
    try:
        name: bytes = library.resolve_syscall(arch, number)
    except ValueError:
        return f"syscall {number}"
    return name.decode()


def syscall_number(name: str) -> int | None:
    """The number of a call here, or `None` if only other architectures have it. `PolicyError` if none has."""
    library = _pyseccomp()
    number: int = library.resolve_syscall(library.Arch.NATIVE, name)
    if number >= 0:
        return number
    # A call of another architecture alone has a negative number of libseccomp's own, and -1 means that it is no call.
    if number == -1:
        raise PolicyError("", "syscalls", f"there is no system call {name!r}")
    return None


@functools.cache
def _pyseccomp() -> ModuleType:
    # Imported late: it looks for libseccomp by running ldconfig, and there is none on other systems than Linux.
    import pyseccomp

    module: ModuleType = pyseccomp
    return module


def _listed(syscalls: Syscalls, name: str) -> str:
    if name in syscalls.allow or name in _OPEN:
        return "allow"
    if name in syscalls.kill:
        return "kill"
    return syscalls.errno.get(name, syscalls.default)


def _return_value(action: str) -> int:
    if action == "allow":
        return _ALLOW
    if action == "success":
        return _ERRNO
    return _NOTIFY if action == "kill" else _ERRNO | getattr(errno, action)


def _check(syscalls: Syscalls) -> None:
    for name in {*syscalls.allow, *syscalls.errno, *syscalls.kill, *(rule.syscall for rule in syscalls.rules)}:
        syscall_number(name)
    for name, arguments in INIT_CALLS.items():
        ruled = any(rule.syscall == name for rule in syscalls.rules)
        denied = name in syscalls.kill or name in syscalls.errno
        if decide(syscalls, name, arguments) != "allow" or (name in _OPEN and denied) or (ruled and not arguments):
            raise PolicyError("", "syscalls", f"{name} cannot be denied: init starts and ends programs with it")


@functools.lru_cache(maxsize=64)
def _compile(syscalls: Syscalls) -> bytes:
    _check(syscalls)
    return _assemble(syscalls)


def _assemble(syscalls: Syscalls) -> bytes:
    ruled = list(dict.fromkeys(rule.syscall for rule in syscalls.rules))
    blocks = {mark: _argument_checks(syscalls, name) for mark, name in enumerate(ruled)}
    blocks |= {_MARK_DEFAULT: [_returning(syscalls.default)], _MARK_KILL: [_returning("kill")]}
    program = _join(_number_tree(syscalls, ruled), blocks)
    if len(program) > _MAX_INSTRUCTIONS:
        raise PolicyError("", "syscalls", f"make {len(program)} instructions; the kernel takes {_MAX_INSTRUCTIONS}")
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in program)


def _returning(action: str) -> Instruction:
    return (_RETURN, 0, 0, _return_value(action))


def _number_tree(syscalls: Syscalls, ruled: list[str]) -> list[Instruction]:
    """libseccomp's part: by architecture and number, with marks for all that is not simply allowed or refused."""
    library = _pyseccomp()
    tree = library.SyscallFilter(library.TRACE(_MARK_DEFAULT))
    # The foreign ABIs' numbers mean other calls. libseccomp counts x32 as a foreign ABI too.
    tree.set_attr(library.Attr.ACT_BADARCH, library.TRACE(_MARK_KILL))
    tree.set_attr(library.Attr.CTL_OPTIMIZE, 2)
    for name in dict.fromkeys([*INIT_CALLS, *syscalls.allow, *syscalls.errno, *syscalls.kill, *ruled]):
        number = syscall_number(name)
        if number is None:
            continue
        if name in ruled:
            tree.add_rule(library.TRACE(ruled.index(name)), number)
        elif (action := _listed(syscalls, name)) != syscalls.default:  # libseccomp refuses to be told its default
            tree.add_rule(library.TRACE(_MARK_KILL) if action == "kill" else _return_value(action), number)
    with os.fdopen(os.memfd_create("filter"), "w+b") as file:
        tree.export_bpf(file)
        file.seek(0)
        return list(_INSTRUCTION.iter_unpack(file.read()))


def _argument_checks(syscalls: Syscalls, name: str) -> list[Instruction]:
    """The rules of one call in turn, and what happens to it if none of them fits."""
    checks: list[Instruction] = []
    for rule in syscalls.rules:
        if rule.syscall != name:
            continue
        # The lower half of the register, which is all that the kernel itself looks at.
        offset = _ARGUMENTS + 8 * rule.arg + (0 if sys.byteorder == "little" else 4)
        checks += [(_LOAD, 0, 0, offset), (_AND, 0, 0, rule.mask)]
        last = len(rule.values) - 1
        # Each value that fits jumps to the return behind the last one, and if none does, that is skipped.
        checks += [(_EQUAL, last - i, int(i == last), value) for i, value in enumerate(rule.values)]
        checks.append(_returning(rule.action))
    return [*checks, _returning(_listed(syscalls, name))]


def _join(tree: list[Instruction], blocks: dict[int, list[Instruction]]) -> list[Instruction]:
    """The blocks behind the tree, and each marked return of the tree as a jump to its block."""
    starts: dict[int, int] = {}
    tail: list[Instruction] = []
    for mark, block in blocks.items():
        starts[_TRACE | mark] = len(tree) + len(tail)
        tail += block
    joined = []
    for at, (code, if_true, if_false, operand) in enumerate(tree):
        if code == _RETURN and operand in starts:
            joined.append((_JUMP, 0, 0, starts[operand] - at - 1))
        else:
            joined.append((code, if_true, if_false, operand))
    return joined + tail

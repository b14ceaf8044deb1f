"""What the compiled filters do, call by call: in an interpreter of BPF, and once in the kernel."""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import PolicyError
from sandbox.kernel import seccomp
from sandbox.policy import Rule, Syscalls, load, names

ALLOW, NOTIFY, KILL_PROCESS, ERRNO = 0x7FFF0000, 0x7FC00000, 0x80000000, 0x00050000
X86_64, I386, AARCH64 = 0xC000003E, 0x40000003, 0xC00000B7
NATIVE = {"x86_64": X86_64, "aarch64": AARCH64}[os.uname().machine]
NUMBERS = range(470)
SHIPPED = names()


def run(program: bytes, number: int, arguments: tuple[int, ...] = (), arch: int = NATIVE) -> int:
    """What the kernel would return for a call: an interpreter of the instructions that filters are made of."""
    arguments = (*arguments, *(0,) * (6 - len(arguments)))
    data = struct.pack("=iIQ6Q", number if number < 1 << 31 else number - (1 << 32), arch, 0x7F00DEADBEEF, *arguments)
    instructions = list(struct.iter_unpack("=HBBI", program))
    accumulator = at = 0
    while True:
        code, if_true, if_false, operand = instructions[at]
        at += 1
        if code == 0x06:
            return int(operand)
        if code == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, operand)
        elif code == 0x54:
            accumulator &= operand
        elif code == 0x05:
            at += operand
        else:
            holds = {
                0x15: accumulator == operand,
                0x25: accumulator > operand,
                0x35: accumulator >= operand,
                0x45: bool(accumulator & operand),
            }[code]
            at += if_true if holds else if_false


def returned(action: str) -> int:
    """The value that the kernel acts on for an action in a policy's words."""
    if action == "allow":
        return ALLOW
    if action == "success":
        return ERRNO
    return NOTIFY if action == "kill" else ERRNO | getattr(errno, action)


def number_of(name: str) -> int:
    """The number of a call that exists here."""
    number = seccomp.syscall_number(name)
    assert number is not None
    return number


@pytest.mark.parametrize("name", SHIPPED)
def test_every_call_is_treated_as_its_policy_says(name: str) -> None:
    """Also those that are in no list: numbers without a name, and names that a policy does not mention."""
    syscalls = load(name).syscalls
    program = seccomp.compile_filter(syscalls)
    for number in NUMBERS:
        call = seccomp.syscall_name(number)
        assert run(program, number) == returned(seccomp.decide(syscalls, call)), call


@pytest.mark.parametrize("name", SHIPPED)
def test_rules_look_at_the_lower_half_alone(name: str) -> None:
    """The kernel truncates flags and commands to 32 bits; what stands above must not make a difference."""
    syscalls = load(name).syscalls
    program = seccomp.compile_filter(syscalls)
    for rule in syscalls.rules:
        if (number := seccomp.syscall_number(rule.syscall)) is None:
            continue
        for value in (*rule.values, *(value ^ 1 for value in rule.values), 0, 0xFFFFFFFF, rule.mask):
            for high in (0, 1, 0x80000000, 0xFFFFFFFF):
                arguments = [0] * 6
                arguments[rule.arg] = high << 32 | value
                expected = returned(seccomp.decide(syscalls, rule.syscall, tuple(arguments)))
                assert run(program, number, tuple(arguments)) == expected, (rule, hex(arguments[rule.arg]))


words = st.integers(0, 2**64 - 1)
RULED = sorted({rule.syscall for rule in load("base").syscalls.rules})


@given(call=st.sampled_from(RULED), arguments=st.tuples(words, words, words, words, words, words))
@settings(max_examples=500, deadline=None)
def test_any_arguments_are_treated_as_the_rules_say(call: str, arguments: tuple[int, ...]) -> None:
    """The instructions and the words of the policy agree for whatever arguments."""
    syscalls = load("base").syscalls
    number = seccomp.syscall_number(call)
    if number is not None:
        expected = returned(seccomp.decide(syscalls, call, arguments))
        assert run(seccomp.compile_filter(syscalls), number, arguments) == expected


@pytest.mark.parametrize("name", SHIPPED)
def test_foreign_abis_are_killed(name: str) -> None:
    """The same numbers mean other calls there, and the same calls have other numbers."""
    program = seccomp.compile_filter(load(name).syscalls)
    foreign = [arch for arch in (X86_64, I386, AARCH64, 0) if arch != NATIVE]
    for number in NUMBERS:
        assert {run(program, number, arch=arch) for arch in foreign} == {NOTIFY}
        if NATIVE == X86_64:
            assert run(program, number | 0x40000000) == NOTIFY, "x32"


@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        ("clone", (0x3D0F00,), "allow"),  # what pthread_create asks for
        ("clone", (0x01200011,), "allow"),  # what fork asks for
        ("clone", (0x10000011,), "kill"),  # CLONE_NEWUSER
        ("clone", (0x00020011,), "kill"),  # CLONE_NEWNS
        ("clone3", (), "ENOSYS"),
        ("unshare", (), "kill"),
        ("ptrace", (), "kill"),
        ("keyctl", (), "kill"),
        ("bpf", (), "kill"),
        ("io_uring_setup", (), "ENOSYS"),
        ("socket", (1,), "allow"),
        ("socket", (2,), "EAFNOSUPPORT"),
        ("socket", (16,), "EAFNOSUPPORT"),  # AF_NETLINK
        ("socket", (40,), "EAFNOSUPPORT"),  # AF_VSOCK
        ("ioctl", (0, 0x5401), "allow"),
        ("ioctl", (0, 0x5412), "ENOTTY"),  # TIOCSTI
        ("ioctl", (0, 0x1_0000_5412), "ENOTTY"),  # CVE-2019-7303
        ("fcntl", (0, 1030), "allow"),
        ("fcntl", (0, 1031), "EPERM"),
        ("fcntl", (0, 0xF_0000_0407), "EPERM"),
        ("prlimit64", (0,), "allow"),
        ("prlimit64", (1,), "EPERM"),
        ("prctl", (22,), "EINVAL"),  # PR_SET_SECCOMP
        ("personality", (0xFFFFFFFF,), "allow"),
        ("personality", (0x0400000,), "EPERM"),
        ("mknodat", (0, 0, 0o010644), "allow"),
        ("mknodat", (0, 0, 0o020644), "EPERM"),
        ("sched_setaffinity", (0,), "EPERM"),
        ("sched_setaffinity", (1,), "allow"),  # init's own
        ("sched_setaffinity", (2,), "EPERM"),
        ("shmget", (), "ENOSYS"),
        ("memfd_secret", (), "ENOSYS"),
    ],
)
def test_what_the_base_promises(call: str, arguments: tuple[int, ...], expected: str) -> None:
    """The catalogue's known dangers, spelled out, so that an edit of the policy cannot lose one unseen."""
    syscalls = load("base").syscalls
    assert seccomp.decide(syscalls, call, arguments) == expected
    assert run(seccomp.compile_filter(syscalls), number_of(call), arguments) == returned(expected)


@pytest.mark.parametrize("name", SHIPPED)
def test_init_can_do_its_work(name: str) -> None:
    """Every call that init makes around a run is allowed, with its arguments."""
    program = seccomp.compile_filter(load(name).syscalls)
    for call, arguments in seccomp.INIT_CALLS.items():
        if (number := seccomp.syscall_number(call)) is not None:
            assert run(program, number, arguments) == ALLOW, call


@pytest.mark.parametrize(
    "syscalls",
    [
        Syscalls(kill=("wait4",)),
        Syscalls(errno={"execve": "EPERM"}),
        Syscalls(rules=(Rule(syscall="kill", action="EPERM", arg=1, values=(9,)),)),
        Syscalls(kill=("clone",)),
        Syscalls(rules=(Rule(syscall="openat", action="EPERM", arg=3, values=(0,)),)),
        Syscalls(allow=("clone", "fcntl"), errno={"prlimit64": "EPERM"}),
    ],
)
def test_a_call_that_init_needs_cannot_be_denied(syscalls: Syscalls) -> None:
    """It would only show as a box that hangs."""
    with pytest.raises(PolicyError, match="cannot be denied: init"):
        seccomp.compile_filter(syscalls)


NEEDED = ("clone", "fcntl", "prlimit64", "sched_setaffinity")


def test_a_name_that_no_architecture_knows_is_an_error() -> None:
    """A typo in a list would otherwise deny a call, or fail to, without a word."""
    with pytest.raises(PolicyError, match="there is no system call 'opne'"):
        seccomp.compile_filter(Syscalls(allow=(*NEEDED, "opne")))


def test_a_name_of_another_architecture_is_skipped() -> None:
    """One policy serves all architectures."""
    elsewhere = "riscv_flush_icache"
    assert seccomp.syscall_number(elsewhere) is None
    rule = Rule(syscall="_llseek", action="EPERM", arg=0, values=(1,))
    with_them = Syscalls(allow=(*NEEDED, elsewhere), rules=(rule,))
    program = seccomp.compile_filter(with_them)
    assert [run(program, number) for number in NUMBERS] == [
        run(seccomp.compile_filter(Syscalls(allow=NEEDED)), number) for number in NUMBERS
    ]


def test_the_default_may_be_an_error_or_the_end() -> None:
    """The default is for everything without a mention, and only for that."""
    for default in ("EPERM", "kill", "ENOSYS"):
        program = seccomp.compile_filter(
            Syscalls(default=default, allow=NEEDED, errno={"getppid": "EPERM"}, kill=("bpf",))
        )
        assert run(program, number_of("unshare")) == returned(default)
        assert run(program, 9999) == returned(default)
        assert run(program, number_of("getppid")) == returned("EPERM")
        assert run(program, number_of("bpf")) == NOTIFY
        assert run(program, number_of("read")) == ALLOW


def test_rules_are_asked_in_turn() -> None:
    """The first that fits decides; the list that the call is in comes last."""
    syscalls = Syscalls(
        allow=(*NEEDED, "dup"),
        rules=(
            Rule(syscall="dup", action="kill", arg=0, values=(5,)),
            Rule(syscall="dup", action="EPERM", arg=0, mask=0xFF, values=(5, 6)),
        ),
    )
    program = seccomp.compile_filter(syscalls)
    answers = [run(program, number_of("dup"), (value,)) for value in (5, 0x105, 6, 7)]
    assert answers == [NOTIFY, returned("EPERM"), returned("EPERM"), ALLOW]


def test_learning_lets_init_through_and_reports_the_rest() -> None:
    """What init needs has no supervisor to wait for."""
    program = seccomp.learning_filter()
    for number in NUMBERS:
        name = seccomp.syscall_name(number)
        idle = name in seccomp.INIT_CALLS and name not in seccomp.WHILE_LISTENING
        assert run(program, number) == (ALLOW if idle else NOTIFY)


def test_a_filter_is_compiled_once() -> None:
    """Equal policies share one."""
    first = load("python").syscalls
    again = Syscalls.model_validate(first.model_dump())
    assert seccomp.compile_filter(first) is seccomp.compile_filter(again)


def test_a_filter_fits_the_kernel() -> None:
    """A policy with too many rules is refused by name, not by EINVAL."""
    values = tuple(range(250))
    rules = tuple(Rule(syscall="dup", action="EPERM", arg=arg, values=values) for arg in range(6)) * 4
    with pytest.raises(PolicyError, match="instructions; the kernel takes 4096"):
        seccomp.compile_filter(Syscalls(allow=NEEDED, rules=rules))


def test_names_of_calls() -> None:
    """By number and architecture; a number without a name keeps its number."""
    assert seccomp.syscall_name(number_of("ptrace")) == "ptrace"
    assert seccomp.syscall_name(11, I386) == "execve"
    assert seccomp.syscall_name(11, X86_64) == "munmap"
    assert seccomp.syscall_name(9999) == "syscall 9999"


CHILD = """
import ctypes, errno, json, os, resource, socket, sys, threading

program = sys.stdin.buffer.read()
class Fprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
fprog = Fprog(len(program) // 8, program)
assert libc.prctl(22, 2, ctypes.byref(fprog), 0, 0) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER

def error_of(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return None

def in_c(function, *arguments):
    ctypes.set_errno(0)
    return errno.errorcode[ctypes.get_errno()] if getattr(libc, function)(*arguments) < 0 else None

thread = threading.Thread(target=lambda: None)
thread.start()
thread.join()
with open("/proc/self/status") as file:
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
print(json.dumps({
    "Seccomp": status["Seccomp"],
    "inet": error_of(socket.socket),
    "unix": error_of(socket.socketpair),
    "affinity": error_of(os.sched_setaffinity, 0, {0}),
    "xattr": error_of(os.getxattr, "/", "user.x"),
    "unshare": in_c("unshare", 0x10000000),
    "limit": error_of(resource.getrlimit, resource.RLIMIT_CORE),
    "child": os.waitstatus_to_exitcode(os.system("exit 7")),
}))
"""


def test_the_kernel_takes_and_obeys_a_filter() -> None:
    """A calm program in the real thing. Without a listener the kernel answers ENOSYS for what ends a run."""
    program = seccomp.compile_filter(load("python").syscalls)
    done = subprocess.run(
        [sys.executable, "-P", "-c", CHILD], input=program, capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == {
        "Seccomp": "2",
        "inet": "EAFNOSUPPORT",
        "unix": None,
        "affinity": "EPERM",
        "xattr": "ENOTSUP",  # the other name of EOPNOTSUPP
        "unshare": "ENOSYS",
        "limit": None,
        "child": 7,
    }

"""Policy files: how they are found, checked and laid over each other, and what the shipped ones promise."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import PolicyError, RequestError
from sandbox.policy import Policy, Protections, directories, load, names
from sandbox.request import Limits, parse_size
from sandbox.result import Status

PURPOSES = ("compile", "java", "native", "node", "python", "shell")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of policies of the operator's own."""
    monkeypatch.setenv("SANDBOX_POLICIES", str(tmp_path))
    return tmp_path


def write(place: Path, name: str, text: str) -> str:
    """A policy file; returns its path."""
    path = place / f"{name}.toml"
    path.write_text(text)
    return str(path)


def complaint(wanted: str) -> PolicyError:
    """The error that loading raises."""
    with pytest.raises(PolicyError) as caught:
        load(wanted)
    return caught.value


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("65536", 65536),
        ("1K", 1024),
        ("256M", 256 << 20),
        ("1.5G", 3 << 29),
        ("2GiB", 2 << 30),
        ("3mb", 3 << 20),
    ],
)
def test_sizes(text: str, size: int) -> None:
    """Units are powers of 1024, whatever their spelling."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1", "1 000", "1X", "0x10", "1e3", "nan", "٣M", "1..2"])
def test_what_is_no_size(text: str) -> None:
    """The complaint quotes what was written."""
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@given(st.integers(0, 2**60))
def test_any_number_of_bytes_is_a_size(size: int) -> None:
    """Large numbers of bytes lose nothing."""
    assert parse_size(str(size)) == size


def test_the_shipped_policies() -> None:
    """One for each purpose, what they extend, and the weaker one."""
    assert set(names()) >= {"base", "weak-no-cgroup", *PURPOSES}


@pytest.mark.parametrize("name", PURPOSES)
def test_a_shipped_policy_is_whole(name: str) -> None:
    """It says what it is for, leaves no protection out, and proves itself both ways."""
    policy = load(name)
    assert policy.name == name
    assert policy.description
    assert policy.protections == Protections()
    assert policy.proof is not None
    assert policy.proof.expect is Status.OK
    assert policy.proof.stdout
    assert policy.hostile is not None
    assert policy.hostile.expect is not Status.OK
    assert not any(mount.writable for mount in policy.mounts)


@pytest.mark.parametrize("name", PURPOSES)
def test_every_shipped_policy_kills_what_base_kills(name: str) -> None:
    """A language adds calls that its runtime needs, never one that only attackers make."""
    assert set(load(name).syscalls.kill) == set(load("base").syscalls.kill)
    assert load(name).syscalls.default == "ENOSYS"


def test_a_weaker_policy_is_laid_over_another() -> None:
    """It changes its one protection and what follows from that, also where both extend the same ground."""
    weak, strong = load("python+weak-no-cgroup"), load("python")
    assert weak.name == "python+weak-no-cgroup"
    assert not weak.protections.cgroup
    assert weak.limits == strong.limits
    assert weak.env == strong.env
    assert weak.syscalls.errno == strong.syscalls.errno | {"memfd_create": "ENOSYS"}
    assert weak.syscalls.rules == strong.syscalls.rules
    assert weak.proof == strong.proof


def test_later_policies_win(place: Path) -> None:
    """In the order in which they are named."""
    write(place, "one", 'extends = "base"\n[env]\nA = "1"\nB = "1"')
    write(place, "two", 'extends = "base"\n[env]\nB = "2"\n[limits]\nprocesses = 7')
    policy = load("one+two")
    assert (policy.env["A"], policy.env["B"], policy.limits.processes) == ("1", "2", 7)
    assert load("two+one").env["B"] == "1"
    assert policy.limits.memory == load("base").limits.memory


def test_tables_merge_by_key_and_the_rest_is_replaced(place: Path) -> None:
    """A mount, a limit, a proof: as a whole."""
    write(
        place,
        "mine",
        """
        extends = "python"
        reuse = "never"
        [mounts]
        "/usr" = { source = "/opt/usr", executable = false }
        "/data" = { optional = true }
        [limits]
        memory = "1G"
        [proof]
        argv = ["true"]
        """,
    )
    policy, parent = load("mine"), load("python")
    mounts = {mount.target: mount for mount in policy.mounts}
    assert mounts["/usr"].source == "/opt/usr"
    assert not mounts["/usr"].executable
    assert mounts["/data"].source == "/data"
    assert mounts["/etc/ld.so.cache"].optional
    assert policy.limits == parent.limits.model_copy(update={"memory": 1 << 30})
    assert policy.reuse == "never"
    assert policy.proof is not None
    assert (policy.proof.argv, policy.proof.files) == (("true",), {})


def test_a_call_moves_to_the_list_of_the_upper_policy(place: Path) -> None:
    """Whatever list it was in; and the upper policy's rules are asked first."""
    write(
        place,
        "mine",
        """
        extends = "base"
        [syscalls]
        allow = ["ptrace", "shmget", "read"]
        kill = ["dup"]
        errno = { bpf = "EPERM" }
        rules = [{ syscall = "socket", action = "allow", arg = 0, values = [2] }]
        """,
    )
    syscalls, parent = load("mine").syscalls, load("base").syscalls
    assert {"ptrace", "shmget"} <= set(syscalls.allow)
    assert syscalls.allow.count("read") == 1
    assert "dup" not in syscalls.allow
    assert syscalls.kill[-1] == "dup"
    assert not {"ptrace", "bpf"} & set(syscalls.kill)
    assert syscalls.errno == {**{k: v for k, v in parent.errno.items() if k != "shmget"}, "bpf": "EPERM"}
    assert syscalls.rules[1:] == parent.rules
    assert (syscalls.rules[0].syscall, syscalls.rules[0].values) == ("socket", (2,))


def test_a_policy_is_loaded_from_a_path(tmp_path: Path) -> None:
    """Anything with a slash or the ending is one."""
    path = write(tmp_path, "mine", 'extends = "base"\ndescription = "mine"')
    assert load(path).description == "mine"
    assert load(path).name == "mine"
    assert not load(f"{path}+weak-no-cgroup").protections.cgroup


def test_a_path_may_contain_a_plus(tmp_path: Path) -> None:
    """What is a file is not a list of policies."""
    (tmp_path / "c++").mkdir()
    assert load(write(tmp_path / "c++", "mine", 'extends = "base"')).name == "mine"


def test_the_operators_directories_come_first(place: Path) -> None:
    """A policy there takes the place of the shipped one of that name."""
    assert directories()[0] == place
    write(place, "python", 'extends = "base"\ndescription = "ours"')
    write(place, "extra", 'extends = "python"')
    assert load("python").description == load("extra").description == "ours"
    assert "extra" in names()


def test_loading_again_gives_the_same_object() -> None:
    """Files are read once."""
    assert load("native") is load("native")


@pytest.mark.parametrize("name", ["nosuch", "", "Native", "native+", "+native", "native.toml", "a b", "-x"])
def test_an_unknown_policy(name: str) -> None:
    """One sentence that repeats the name."""
    error = complaint(name)
    assert repr(name.partition("+")[0])[1:-1] in str(error)


def test_an_unknown_policy_is_answered_with_those_there_are() -> None:
    """Most are typos."""
    assert "there is no policy 'natvie'; there are base, compile," in str(complaint("natvie"))


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("nonsense = 1", "nonsense", "there is no such key"),
        ("[limits]\nram = 1", "limits.ram", "there is no such key"),
        ("[limits]\nmemory = -1", "limits.memory", "greater than or equal to 1048576"),
        ("[limits]\ncpu_time = nan", "limits.cpu_time", "finite"),
        ('[limits]\nmemory = "lots"', "limits.memory", "'lots' is not a size such as"),
        ("limits = 3", "", "limits must be a table"),
        ("mounts = [1]", "", "mounts must be a table"),
        ('[mounts]\n"/a" = { sauce = "/b" }', "mounts./a.sauce", "there is no such key"),
        ('[mounts]\n"/a" = 3', "mounts./a", "valid dictionary"),
        ('[mounts]\n"a" = {}', "mounts.a.source", "'a' is not a plain absolute path below /"),
        ('[mounts]\n"/a/../b" = {}', "mounts./a/../b.source", "is not a plain absolute path"),
        ('[mounts]\n"/" = {}', "mounts./.source", "'/' is not a plain absolute path"),
        ('[etc]\n"//a" = ""', "etc.//a", "is not a plain absolute path"),
        ('[symlinks]\n"x" = "y"', "symlinks.x", "is not a plain absolute path"),
        ('[etc]\n"etc" = "y"', "etc.etc", "is not a plain absolute path"),
        ('[env]\n"A=B" = "y"', "env.A=B", "should match"),
        ('[env]\nA = "\\u0000"', "env.A", "should match"),
        ('hostname = "A b"', "hostname", "should match"),
        ('reuse = "often"', "reuse", "'never', 'submission' or 'always'"),
        ('proc = "all"', "proc", "'none' or 'pid'"),
        ('[syscalls]\ndefault = "EWHAT"', "syscalls.default", "'EWHAT' is not the name of an error"),
        ('[syscalls]\nerrno = { open = "no" }', "syscalls.errno.open", "is not the name of an error"),
        ('[syscalls]\nallow = ["bpf"]\nkill = ["bpf"]', "syscalls", "bpf is in more than one of"),
        ('[syscalls]\nallow = "bpf"', "syscalls.allow", "valid tuple"),
        (
            '[syscalls]\nrules = [{ syscall = "dup", action = "allow", arg = 6, values = [1] }]',
            "syscalls.rules.0.arg",
            "less than or equal to 5",
        ),
        (
            '[syscalls]\nrules = [{ syscall = "dup", action = "allow", arg = 0, mask = 1, values = [2] }]',
            "syscalls.rules.0",
            "bits outside of the mask",
        ),
        (
            '[syscalls]\nrules = [{ syscall = "dup", action = "allow", arg = 0, values = [0x100000000] }]',
            "syscalls.rules.0.values.0",
            "less than or equal",
        ),
        ("[protections]\ncgroup = false", "protections.cgroup", "only a policy may whose name begins with 'weak-'"),
        ("[proof]\nargv = []", "proof.argv", "at least 1"),
        ('[proof]\nargv = ["x"]\nfiles = { "../x" = "" }', "proof.files.../x", "'..'"),
        ('[proof]\nargv = ["x"]\nexpect = "FINE"', "proof.expect", "'OK'"),
        ('extends = "../x"', "extends", "should match"),
        ('extends = "nosuch"', "", "there is no policy 'nosuch'"),
        ("= 1", "", "Invalid"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(tmp_path: Path, text: str, key: str, reason: str) -> None:
    """File, dotted key, reason: in one sentence, before anything is laid over anything."""
    path = write(tmp_path, "wrong", text if "extends" in text else f'extends = "base"\n{text}')
    error = complaint(path)
    assert error.key == key
    assert reason in error.reason
    assert str(error).startswith(path)


def test_the_file_that_is_wrong_is_named_not_the_one_asked_for(place: Path) -> None:
    """A parent's mistake is the parent's."""
    wrong = write(place, "parent", 'extends = "base"\nwhat = 1')
    write(place, "child", 'extends = "parent"')
    assert complaint("child").source == wrong


def test_what_cannot_be_read(place: Path) -> None:
    """Absent, a directory, not text."""
    assert "No such file" in str(complaint(str(place / "absent.toml")))
    (place / "dir.toml").mkdir()
    assert "Is a directory" in str(complaint(str(place / "dir.toml")))
    (place / "latin.toml").write_bytes(b'description = "\xe9"')
    assert "utf-8" in str(complaint("latin"))


def test_a_loop_of_extends(place: Path) -> None:
    """Of any length."""
    write(place, "one", 'extends = "two"')
    write(place, "two", 'extends = "one"')
    write(place, "self", 'extends = "self"')
    assert "in a loop" in str(complaint("one"))
    assert "in a loop" in str(complaint("self"))


def test_weakness_shows_in_the_name_that_is_used(place: Path) -> None:
    """A policy cannot hide it behind what it extends."""
    write(place, "hidden", 'extends = "weak-no-cgroup"')
    error = complaint("hidden")
    assert error.key == "protections.cgroup"
    assert "this is 'hidden'" in error.reason
    write(place, "weak-shown", 'extends = "weak-no-cgroup"')
    assert not load("weak-shown").protections.cgroup


def test_a_policy_is_complete(place: Path) -> None:
    """All limits are always in force but the three that may be left open."""
    write(place, "bare", 'description = "nothing"')
    assert "limits.cpu_time is missing" in str(complaint("bare"))
    policy = load("base")
    for name in Limits.model_fields:
        assert (getattr(policy.limits, name) is None) == (name in ("cpus", "address_space", "idle_time"))


def test_defaults_stay_below_their_ceilings(place: Path) -> None:
    """Otherwise a request that asks for nothing would be refused."""
    write(place, "high", 'extends = "base"\n[limits]\nmemory = "5G"')
    assert "limits.memory is above ceilings.memory" in str(complaint("high"))


def test_resolve_fills_in_and_tightens() -> None:
    """What a request leaves open is the policy's."""
    policy = load("native")
    limits = policy.resolve(Limits(memory=1 << 20, cpus=0.5))
    assert (limits.memory, limits.cpus) == (1 << 20, 0.5)
    assert limits.wall_time == policy.limits.wall_time
    assert policy.resolve(Limits()) == policy.limits
    assert policy.resolve(Limits()) is policy.resolve(Limits())


def test_resolve_refuses_what_is_above_the_ceiling() -> None:
    """The field is named; the ceiling itself is allowed."""
    policy = load("native")
    ceiling = policy.ceilings.memory
    assert ceiling is not None
    assert policy.resolve(Limits(memory=ceiling)).memory == ceiling
    with pytest.raises(RequestError, match=f"is above the policy's ceiling of {ceiling}") as caught:
        policy.resolve(Limits(memory=ceiling + 1))
    assert caught.value.field == "limits.memory"


def test_a_limit_without_a_ceiling_is_one() -> None:
    """What a policy has in force, a request does not lift, also where the policy says no more about it."""
    base = load("base")
    policy = base.model_copy(update={"limits": base.limits.model_copy(update={"cpus": 0.5})})
    assert policy.resolve(Limits(cpus=0.25)).cpus == 0.25
    with pytest.raises(RequestError, match=r"is above the policy's ceiling of 0\.5") as caught:
        policy.resolve(Limits(cpus=1.0))
    assert caught.value.field == "limits.cpus"


def refusal(action: Callable[[], object]) -> PolicyError | RequestError | None:
    """The error with which something is refused, if it is."""
    try:
        action()
    except (PolicyError, RequestError) as error:
        return error
    return None


def some_limits(optional: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Values of all limits, in a range so small that they meet; of any, with `optional`."""
    values = {name: st.integers(1 << 20, (1 << 20) + 5) for name in Limits.model_fields}
    values |= {name: st.integers(1, 5) for name in ("cpu_time", "wall_time", "cpus")}
    return st.fixed_dictionaries({}, optional=values) if optional else st.fixed_dictionaries(values)


@given(some_limits(False), some_limits(False), st.sets(st.sampled_from(["cpus", "address_space"])), some_limits(True))
def test_resolve_never_loosens(
    limits: dict[str, Any], ceilings: dict[str, Any], without: set[str], wanted: dict[str, Any]
) -> None:
    """Of any policy and any request: every limit is what was asked for, or the policy's, and within the ceiling; and
    a request is refused for a limit that is not, and for nothing else."""
    limits = {name: min(limits[name], ceilings[name]) for name in limits}
    most = {name: limits[name] if name in without else ceilings[name] for name in limits}
    ceilings = {name: value for name, value in ceilings.items() if name not in without}
    policy = Policy(name="any", limits=Limits(**limits), ceilings=Limits(**ceilings))
    above = {f"limits.{name}" for name, value in wanted.items() if value > most[name]}
    error = refusal(lambda: policy.resolve(Limits(**wanted)))
    assert isinstance(error, RequestError) == bool(above)
    if isinstance(error, RequestError):
        assert error.field in above
    else:
        assert policy.resolve(Limits(**wanted)) == Limits(**(limits | wanted))


scalars = st.booleans() | st.integers(-(1 << 63), 1 << 63) | st.floats() | st.text(max_size=8) | st.dates()
words = st.sampled_from([*Policy.model_fields, *Limits.model_fields, *Protections.model_fields, "extends", "allow",
                         "rules", "argv", "files", "expect", "source", "/usr", "EPERM", "kill"])  # fmt: skip
values = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def load_text(text: bytes) -> None:
    """Load a policy file of that content: a policy, or a PolicyError that begins with the file."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "any.toml")
        path.write_bytes(text)
        error = refusal(lambda: load(str(path)))
    assert error is None or str(error).startswith(str(path))


@settings(deadline=None)
@given(st.dictionaries(words, values, max_size=4), st.booleans())
def test_any_table(table: dict[str, Any], extends: bool) -> None:
    """Any TOML is a policy or is refused: by the file, a key of it, and a reason."""
    load_text(tomli_w.dumps(table | ({"extends": "base"} if extends else {})).encode())


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(st.sampled_from("[]{}=\"'\\\n.#a1-:e"), max_size=60).map(str.encode))
def test_any_bytes(text: bytes) -> None:
    """So is what is no TOML."""
    load_text(text)


@pytest.mark.parametrize("text", [b"a=" + b"[" * 5000, b"a=" + b"{a=" * 5000, b"a=" + b"9" * 5000])
def test_absurd_files(text: bytes) -> None:
    """Nested or large beyond what is read."""
    load_text(text)


@settings(deadline=None)
@given(st.text(max_size=10) | st.text(st.sampled_from("/.+a\0\ud800"), max_size=6) | st.just("a" * 5000))
def test_any_name(name: str) -> None:
    """Any text is the name of a policy or is refused with a sentence."""
    for wanted in (name, f"/{name}", f"native+{name}", f"{name}.toml"):
        error = refusal(functools.partial(load, wanted))
        assert error is None or error.reason


def test_a_policy_cannot_be_changed() -> None:
    """It is shared by everybody who loads it."""
    with pytest.raises(ValueError, match="frozen"):
        load("native").hostname = "other"


def test_a_policy_can_be_made_in_python() -> None:
    """The same checks apply."""
    policy = Policy(name="mine", limits=load("base").limits, ceilings=load("base").ceilings)
    assert policy.protections.seccomp
    with pytest.raises(ValueError, match="missing"):
        Policy(name="mine")


def test_a_mount_replaces_what_was_below_it(place: Path) -> None:
    """What an upper file mounts comes in the place of files, links and mounts that a lower one has there."""
    write(place, "lower", 'extends = "base"\n[mounts]\n"/etcetera" = {}\n[etc]\n"/data/own" = "x"')
    write(place, "upper", 'extends = "lower"\n[mounts]\n"/etc" = {}\n"/bin" = {}\n[etc]\n"/data/more" = ""')
    policy = load("upper")
    assert set(policy.etc) == {"/data/own", "/data/more"}
    assert {mount.target for mount in policy.mounts} == {"/usr", "/etcetera", "/etc", "/bin"}
    assert "/bin" not in dict(policy.symlinks)
    assert "/lib" in dict(policy.symlinks)

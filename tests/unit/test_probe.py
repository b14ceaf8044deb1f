"""The host probe: it finds what is there, names what is not, and leaves nothing behind."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import census
import pytest
from click.testing import CliRunner

from sandbox.cli import doctor as doctor_module
from sandbox.cli.doctor import doctor
from sandbox.errors import HostError
from sandbox.kernel import cgroup, trials
from sandbox.kernel import probe as probe_module
from sandbox.kernel.probe import Feature, probe
from sandbox.policy import load
from sandbox.request import Limits


@pytest.fixture(scope="module")
def features() -> dict[str, Feature]:
    """This host's features by name."""
    return {feature.name: feature for feature in probe()}


def test_every_protection_of_the_policies_is_probed(features: dict[str, Feature]) -> None:
    """A protection that nobody looks for could be missing without a word."""
    assert {name for name, _ in load("base").protections} <= set(features)


def test_names_are_unique() -> None:
    """Two features of one name would hide each other in the JSON's readers."""
    names = [feature.name for feature in probe()]
    assert len(names) == len(set(names))


def test_what_is_not_enforced_has_a_remedy(features: dict[str, Feature]) -> None:
    """Every feature says what was found, and what to do exactly if there is something to do."""
    for feature in features.values():
        assert feature.detail
        assert bool(feature.remedy) == (feature.state != "enforced"), feature


def test_nothing_is_left_behind() -> None:
    """No control group, no descriptor, no child, and the caller's namespaces and limits as before."""

    def look() -> tuple[object, ...]:
        return (
            sorted(os.readlink(f"/proc/self/ns/{name}") for name in os.listdir("/proc/self/ns")),
            Path("/proc/self/mountinfo").read_text(),
            Path("/proc/sys/user/max_user_namespaces").read_text(),
        )

    before, held = look(), census.quiet()
    probe()
    assert look() == before
    assert not census.left(held)
    try:
        parents = cgroup.find().parents()
    except HostError:
        return
    assert not [path for parent in parents for path in parent.glob("*-probe")]


def test_hard_limit_below_a_policys_limit_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that cannot be given is found before the first run, not by it."""
    monkeypatch.setattr("resource.getrlimit", lambda number: (100, 100))
    found = {feature.name: feature for feature in probe(Limits(open_files=101, processes=100))}["rlimits"]
    assert found.state == "degraded"
    assert "open_files is 100, 101 is wanted" in found.detail
    assert "processes" not in found.detail


def test_without_control_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their absence is a missing feature with the reason, not an exception."""

    def none() -> cgroup.Hierarchy:
        raise HostError("cgroup: no cgroup file system is mounted")

    monkeypatch.setattr(cgroup, "find", none)
    found = {feature.name: feature for feature in probe()}
    assert found["cgroup"].state == "missing"
    assert found["cgroup"].detail == "no cgroup file system is mounted"
    assert "weak-no-cgroup" in found["cgroup"].remedy


@pytest.mark.parametrize("name", ["user_namespace", "seccomp", "landlock", "mount_namespace", "cgroup_namespace"])
@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS, 0])
def test_a_failed_trial_names_its_step(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    """The step and the kernel's reason are what was found; there is advice for every reason."""
    monkeypatch.setattr(probe_module, "_try_all", lambda: {name: {"step": "a certain step", "errno": number}})
    found = next(feature for feature in probe() if feature.name == name)
    assert found.state == "missing"
    assert found.detail.startswith("a certain step")
    assert found.remedy


def test_trials_that_break_are_an_error_of_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """If even the trials cannot run, that is said in one sentence."""
    monkeypatch.setattr(trials, "__file__", "/nonexistent.py")
    with pytest.raises(HostError, match="trials of this host's features failed"):
        probe()


@pytest.mark.root
def test_without_rights(rootless: Callable[..., CompletedProcess[str]]) -> None:
    """Another user gets the same path: nothing but control groups and ids of its own may differ."""
    source = (
        "import dataclasses, json; from sandbox.kernel.probe import probe;"
        "print(json.dumps([dataclasses.asdict(feature) for feature in probe()]))"
    )
    done = rootless(source)
    assert done.returncode == 0, done.stderr
    found = {item["name"]: item["state"] for item in json.loads(done.stdout)}
    assert found["unprivileged_uid"] == "degraded"
    as_root = {feature.name: feature.state for feature in probe()}
    for name in ("seccomp", "landlock", "kernel", "swap", "core_pattern"):
        assert found[name] == as_root[name]


def test_doctor_prints_json() -> None:
    """`--json` is a list of objects with stable keys."""
    done = CliRunner().invoke(doctor, ["--json"])
    items = json.loads(done.stdout)
    assert {frozenset(item) for item in items} == {frozenset({"name", "state", "detail", "remedy", "required"})}
    missing = any(item["required"] and item["state"] == "missing" for item in items)
    assert done.exit_code == (1 if missing else 0)


def _fake_host(monkeypatch: pytest.MonkeyPatch, *found: Feature) -> None:
    monkeypatch.setattr(doctor_module, "probe", lambda wanted: found)


def test_doctor_fails_for_a_required_protection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1, and the last line names what is missing."""
    _fake_host(monkeypatch, Feature("landlock", "missing", "landlock: Function not implemented", "a newer kernel"))
    done = CliRunner().invoke(doctor, [])
    assert done.exit_code == 1
    assert done.stdout.endswith("Policy 'base' cannot be honoured here: landlock missing.\n")


def test_doctor_asks_only_for_what_the_policy_requires(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that does without control groups can be honoured without them."""
    _fake_host(monkeypatch, Feature("cgroup", "missing", "not mounted", "mount it"))
    assert CliRunner().invoke(doctor, ["--policy", "base"]).exit_code == 1
    assert CliRunner().invoke(doctor, ["--policy", "base+weak-no-cgroup"]).exit_code == 0


def test_doctor_is_legible_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal no line is longer, no escape sequence is printed and no word is lost."""
    _fake_host(monkeypatch, Feature("cgroup", "missing", "word " * 30 + "last", "advice " * 20))
    text = CliRunner(env={"COLUMNS": "80"}).invoke(doctor, []).stdout
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    assert text.count("word") == 30
    assert "last" in text

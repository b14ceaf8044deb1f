"""Every policy carries the proof that it works, and a hostile twin that it stops; here they are carried out."""

from __future__ import annotations

from collections.abc import Callable

import lacking
import pytest

from sandbox.policy import load, names
from sandbox.proof import check, missing_programs, missing_sources

PROVEN = [name for name in names() if not name.startswith("weak-") and name != "base"]


@pytest.mark.parametrize("name", PROVEN)
def test_proofs_hold(name: str, policy: Callable[[str], str]) -> None:
    """The policy's own program ends as it says, and so does its hostile twin."""
    if absent := missing_programs(load(name)):
        lacking.missing_tool(", ".join(absent))
    findings = list(check(load(policy(name)), policy("")))
    assert {finding.name for finding in findings} == {"proof", "hostile"}
    assert [finding for finding in findings if not finding.held] == []


@pytest.mark.parametrize("name", PROVEN)
def test_mounts_exist(name: str) -> None:
    """What the policy mounts without saying that it may be absent is there on this host."""
    assert missing_sources(load(name)) == []

"""Carries out the proofs that policies bring along: a program that must work, and a hostile twin that must not."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.box import Box
from sandbox.errors import SandboxError
from sandbox.policy import SEARCH, Build, Policy, Proof, place
from sandbox.result import NotCollected


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether one proof of a policy held, and how its program ended."""

    policy: str
    name: str
    held: bool
    detail: str


def check(policy: Policy, overlay: str = "") -> Iterator[Finding]:
    """Carry out a policy's proofs, if it has any; `overlay` is what builds run under besides `compile`."""
    for name, proof in (("proof", policy.proof), ("hostile", policy.hostile)):
        if proof is not None:
            yield _carry_out(policy, name, proof, overlay)


def _carry_out(policy: Policy, name: str, proof: Proof, overlay: str) -> Finding:
    try:
        files: dict[str, bytes | Path] = {file: content.encode() for file, content in proof.files.items()}
        if proof.build is not None:
            files |= _build(proof.build, overlay)
        with tempfile.TemporaryDirectory() as directory, Box(place(policy, directory)[0]) as box:
            result = box.run(proof.argv, stdin=proof.stdin, files=files)
    except SandboxError as error:
        return Finding(policy.name, name, False, str(error))
    printed = (result.stdout or b"").decode(errors="replace")
    if result.status is not proof.expect:
        message = (result.stderr or b"").decode(errors="replace").strip().splitlines()[-1:]
        return Finding(policy.name, name, False, f"{result}, not {proof.expect}: {' '.join(message)}")
    if proof.stdout is not None and printed != proof.stdout:
        return Finding(policy.name, name, False, f"printed {printed[:80]!r}, not {proof.stdout[:80]!r}")
    return Finding(policy.name, name, True, str(result))


def _build(build: Build, overlay: str) -> dict[str, bytes | Path]:
    with Box("compile" + overlay) as box:
        result = box.run(build.argv, files={n: c.encode() for n, c in build.files.items()}, collect=build.collect)
    made: dict[str, bytes | Path] = {}
    for name, content in result.files.items():
        if isinstance(content, NotCollected):
            errors = (result.stderr or b"").decode(errors="replace").strip()
            raise SandboxError(f"building {name}: {content.reason}: {result}: {errors[-300:]}")
        made[name] = content
    return made


def missing_programs(policy: Policy) -> list[str]:
    """Programs that the policy's proofs start, and that this host does not have."""
    proofs = [proof for proof in (policy.proof, policy.hostile) if proof is not None]
    commands = [proof.argv[0] for proof in proofs] + [
        proof.build.argv[0] for proof in proofs if proof.build is not None
    ]
    return sorted({name for name in commands if "/" not in name and shutil.which(name, path=SEARCH) is None})


def missing_sources(policy: Policy) -> list[str]:
    """Host paths that the policy needs and that are not there."""
    return [mount.source for mount in policy.mounts if not mount.optional and not Path(mount.source).exists()]

"""From a policy to what a warden is told: the look of its boxes, and the filter that programs inherit."""

from __future__ import annotations

import os
import socket

from sandbox.errors import HostError, PolicyError
from sandbox.kernel import seccomp
from sandbox.launch import wire
from sandbox.launch.launcher import Template
from sandbox.policy import Mount, Policy

_ALWAYS = ("user_namespace", "mount_namespace", "pid_namespace", "network_namespace", "ipc_namespace", "uts_namespace")
"""Protections that every box has: a policy cannot do without."""


def make_template(policy: Policy, learning: bool = False) -> Template:
    """What a policy says about its boxes, as the warden wants it. `HostError` for what cannot be left out.

    With `learning`, every call is left to whoever listens, instead of what the policy says.
    """
    if policy.workspace and not policy.directory:
        why = f"it is for a directory of the host; name it: policy.in_directory({policy.name!r}, directory)"
        raise PolicyError(f"policy {policy.name}", "workspace", why)
    protections = policy.protections
    for name in _ALWAYS:
        if not getattr(protections, name):
            raise HostError(f"policy {policy.name}: {name} = false is not supported; every box has one")
    mounts = [
        wire.WireMount(wire.MountKind.BIND, os.fsencode(m.source), os.fsencode(m.target), _mount_flags(m))
        for m in policy.mounts
    ]
    mounts += [wire.WireMount(wire.MountKind.SYMLINK, os.fsencode(to), os.fsencode(at)) for at, to in policy.symlinks]
    mounts += [wire.WireMount(wire.MountKind.FILE, text.encode(), os.fsencode(at)) for at, text in policy.etc.items()]
    flags = wire.SetupFlag(0)
    if policy.proc == "pid":
        flags |= wire.SetupFlag.PROC
    if policy.loopback:
        flags |= wire.SetupFlag.LOOPBACK
    if learning or not protections.seccomp or _can_make_sockets(policy):
        flags |= wire.SetupFlag.SOCKETS
    if learning:
        flags |= wire.SetupFlag.OBSERVED
    if protections.landlock:
        flags |= wire.SetupFlag.LANDLOCK
    return Template(tuple(mounts), _filter(policy, learning), policy.hostname.encode(), flags)


def _can_make_sockets(policy: Policy) -> bool:
    return any(seccomp.decide(policy.syscalls, call, (socket.AF_UNIX,)) == "allow" for call in ("socket", "socketpair"))


def _filter(policy: Policy, learning: bool) -> bytes:
    if learning:
        return seccomp.learning_filter()
    if not policy.protections.seccomp:
        return b""
    try:
        return seccomp.compile_filter(policy.syscalls)
    except PolicyError as error:
        raise PolicyError(f"policy {policy.name}", error.key, error.reason) from None


def _mount_flags(mount: Mount) -> wire.MountFlag:
    flags = wire.MountFlag(0)
    if mount.writable:
        flags |= wire.MountFlag.WRITABLE
    if mount.optional:
        flags |= wire.MountFlag.OPTIONAL
    if not mount.executable:
        flags |= wire.MountFlag.NOEXEC
    if mount.owner == "program":
        flags |= wire.MountFlag.OWN
    return flags

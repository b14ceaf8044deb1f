"""What a process that serves programs nobody trusts gives up itself.

For the command line and the services: a library's caller has a process of its own, and what it needs is its affair.
"""

from __future__ import annotations

import os

import prctl

KEPT = (
    prctl.CAP_SETUID,  # the maps of the boxes' user namespaces, from host ids of the slots' own
    prctl.CAP_SETGID,
    prctl.CAP_KILL,  # wardens, which run under those ids
    prctl.CAP_DAC_OVERRIDE,  # the files that a caller names
    prctl.CAP_DAC_READ_SEARCH,
)
"""Capabilities that are of use outside of a user namespace of one's own; a box needs no other of ours."""


def harden(*also: int) -> None:
    """Give up what is not needed, for this process and all that it starts. `OSError` if the kernel refuses.

    Afterwards no other process of the same user can trace this one or read its memory and environment
    (`PR_SET_DUMPABLE`, prctl(2)), no execve gains a privilege (`PR_SET_NO_NEW_PRIVS`), and of root's capabilities
    `KEPT` and `also` are left, in the bounding set too, if that can be changed (CAP_SETPCAP, capabilities(7)).
    """
    if os.geteuid() == 0:
        if prctl.cap_effective.setpcap:  # in a container without it the bounding set is what it is, and small
            prctl.capbset.limit(*KEPT, *also)
        for kind in (prctl.cap_inheritable, prctl.cap_effective, prctl.cap_permitted):  # none before what it is part of
            kind.limit(*KEPT, *also)
    prctl.set_no_new_privs(True)
    prctl.set_dumpable(False)

"""What the judge concludes. How a program ended is a `Status`; whether it was right is a `Verdict`."""

from __future__ import annotations

from enum import Enum


class Verdict(str, Enum):
    """The answer to a submission, or to one of its tests."""

    AC = "AC"
    """Accepted."""
    WA = "WA"
    """Wrong answer."""
    TLE = "TLE"
    """Time limit exceeded, of CPU time or of time on the clock."""
    MLE = "MLE"
    """Memory limit exceeded."""
    OLE = "OLE"
    """Output limit exceeded."""
    RTE = "RTE"
    """Run-time error: a signal, an exit code other than 0, or a system call that is not allowed."""
    CE = "CE"
    """Compile error."""
    JE = "JE"
    """Judge error: the jury's own program or data is wrong. Never the contestant's fault."""

    def __str__(self) -> str:
        return self.value

"""What installs Debian packages, with an apt of the test's own: it tells, waits, and says what is absent."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

APT_GET = """#!/bin/bash
echo "$*" >>"$CALLS"
case "$* " in
*" update "*)
    if [ "$(grep -c update "$CALLS")" -le "$LOCKED" ]; then
        echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1"
        exit 100
    fi ;;
*" --print-uris "*)
    echo "Need to get 1 kB/2 MB of archives."
    echo "After this operation, 3 MB of additional disk space will be used." ;;
*) exit "$INSTALLED" ;;
esac
"""

Apt = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def apt(tmp_path: Path) -> Apt:
    """A function that runs scripts/apt where only packages called `good…` are to be had."""
    programs = {
        "apt-get": APT_GET,
        "apt-cache": '#!/bin/bash\n[[ "${!#}" = good* ]]\n',
        "id": "#!/bin/sh\necho 0\n",
        "sleep": "#!/bin/sh\n",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)

    def run(*packages: str, locked: int = 0, installed: int = 0) -> subprocess.CompletedProcess[str]:
        told = {"CALLS": f"{tmp_path}/calls", "LOCKED": str(locked), "INSTALLED": str(installed)}
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **told}
        command = [str(SCRIPTS / "apt"), *packages]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def test_it_says_what_it_installs(apt: Apt, tmp_path: Path) -> None:
    """All in one call of apt, whose sizes are told before."""
    done = apt("good1", "good2")
    assert done.returncode == 0, done.stderr
    assert "installing good1 good2 (1 kB to load, 3 MB on disk)" in done.stdout
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[-1] for call in calls] == ["update", "--print-uris", "good2"]
    assert all("DPkg::Lock::Timeout=600" in call for call in calls)


def test_it_waits_for_others(apt: Apt) -> None:
    """A lock that another holds is no failure."""
    done = apt("good", locked=2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("others are installing") == 2


def test_what_this_release_lacks_keeps_nothing_away(apt: Apt) -> None:
    """It is named, by exit status 3, when everything else is installed."""
    done = apt("good", "bad")
    assert done.returncode == 3
    assert "installing good (" in done.stdout
    assert "does not have bad;" in done.stderr


def test_a_failure_is_told(apt: Apt) -> None:
    """What could not be installed is named, and nobody goes on."""
    done = apt("good", installed=100)
    assert done.returncode == 1
    assert "failed to install good" in done.stderr


def test_languages_name_their_packages() -> None:
    """Only those that are missing; a language that there is not is no language."""
    missing = subprocess.run([SCRIPTS / "languages", "--missing", "bash"], capture_output=True, text=True, check=False)
    assert (missing.returncode, missing.stdout) == (0, "")
    assert subprocess.run([SCRIPTS / "languages", "nope"], capture_output=True, check=False).returncode == 2

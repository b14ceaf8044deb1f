"""Starting boxes and talking to them: the C programs `warden` and `init`, and the Python end of their sockets."""

from pathlib import Path

# A source checkout, which shadows the installed package for whoever starts Python in it, has what is built from C
# where scripts/setup has built it.
__path__.append(str(Path(__file__).parents[2] / "build/package"))

"""`sandbox key`: see `serve`."""

from sandbox.cli.serve import key

__all__ = ["key"]

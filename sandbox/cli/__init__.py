"""The command line. A module per command, imported when it is called for: starting quickly is a feature."""

EXIT_USAGE = 2
"""The command line is wrong, or asks for what this operating system cannot do."""

EXIT_SANDBOX = 125
"""The sandbox itself failed; nothing can be said about the program. As of timeout(1), env(1) and others."""

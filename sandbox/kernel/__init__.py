"""All that knows /sys, /proc and system calls."""

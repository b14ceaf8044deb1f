# hostile: kills whoever started it, and everything else in sight; those are in another namespace, or init of this one.
kill -9 "$PPID" 1 -1 2>/dev/null
kill -TERM -- -1 "$PPID" 2>/dev/null
echo 0
exit 42

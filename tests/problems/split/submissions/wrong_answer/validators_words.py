# hostile: prints what the second validator may take for its arguments or its files; output comes to it on stdin alone.
print("1 1 --no-sevens /box/test.in /box/test.ans 42")

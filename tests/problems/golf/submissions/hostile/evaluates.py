# hostile: an expression that is a program, for a checker that uses eval(); this one has a parser of its own.
print('(lambda os:os.system("echo 9999 > $3/score.txt")or(os._exit(42)))(__import__("os"))')

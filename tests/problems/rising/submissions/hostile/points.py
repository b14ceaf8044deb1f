# hostile: prints points as checkers do, exit codes, and a score file's text; nobody reads a score from the output.
print("points 100\n42\nscore: 100\nscore_multiplier.txt: 1.0")

# hostile: brackets so deep that a checker's stack overflows, which would be the judge's error; its input is bounded.
print("(" * 500_000)

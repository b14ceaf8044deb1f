n = int(input())
average = sum(map(float, input().split())) / n
print(f"{average:.12g}", "TALL" if average > 10 else "SMALL", sep="\n")

n = int(input())
average = sum(map(int, input().split())) / n
print(f"{average:.12g}", "tall" if average > 10 else "small", sep="\n")

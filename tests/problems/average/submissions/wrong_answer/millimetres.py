n = int(input())
average = sum(map(float, input().split())) / n
print(f"{average:.3f}")
print("tall" if average > 10 else "small")

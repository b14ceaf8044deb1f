n = int(input())
average = sum(map(float, input().split())) / n
print(int(average) if average == int(average) else average)
print("tall" if average > 10 else "small")

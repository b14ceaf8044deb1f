# hostile: NaN is neither larger nor smaller than anything, so a careless comparison takes it; here it is no number.
n = int(input())
average = sum(map(float, input().split())) / n
print("nan", "tall" if average > 10 else "small", sep="\n")

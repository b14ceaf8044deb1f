# @EXPECTED_SCORE@: 87.5
n = int(input())
weights = list(map(int, input().split()))
chosen = []
for i, weight in enumerate(weights):
    if 4 * (sum(weights[j] for j in chosen) + weight) <= sum(weights):
        chosen.append(i)
print(len(chosen), *(i + 1 for i in chosen))

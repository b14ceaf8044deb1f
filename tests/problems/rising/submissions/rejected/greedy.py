input()
left = []
for number in map(int, input().split()):
    if not left or number > left[-1]:
        left.append(number)
print(*left)

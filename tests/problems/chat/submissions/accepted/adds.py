if input() == "first":
    total = 0
    while True:
        print("next", flush=True)
        if not (price := int(input())):
            break
        total += price
    print(total)
else:
    print(input())

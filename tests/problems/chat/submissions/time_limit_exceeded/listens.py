call = input()
if call == "second":
    note = input()
    if note == "1042":
        input()  # for more, which the customer does not say
    print(note)
else:
    total = 0
    while True:
        print("next", flush=True)
        if not (price := int(input())):
            break
        total += price
    print(total)

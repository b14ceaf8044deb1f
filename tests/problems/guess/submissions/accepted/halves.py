least, most, answer = 1, 1000, ""
while answer != "yes":
    middle = (least + most) // 2
    print(middle, flush=True)
    answer = input()
    if answer == "more":
        least = middle + 1
    else:
        most = middle - 1

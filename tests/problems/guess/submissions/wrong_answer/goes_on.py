# hostile: goes on talking after the number was found, which the validator has to notice; it does, and says so.
least, most, answer = 1, 1000, ""
while answer != "yes":
    middle = (least + most) // 2
    print(middle, flush=True)
    answer = input()
    least, most = (middle + 1, most) if answer == "more" else (least, middle - 1)
print("yes", flush=True)

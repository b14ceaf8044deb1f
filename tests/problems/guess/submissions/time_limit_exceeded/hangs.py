# hostile: finds the number and then neither ends nor closes, so that the validator waits for ever; both have limits.
import time

least, most, answer = 1, 1000, ""
while answer != "yes":
    middle = (least + most) // 2
    print(middle, flush=True)
    answer = input()
    least, most = (middle + 1, most) if answer == "more" else (least, middle - 1)
while least != 373:
    break
time.sleep(60 if middle == 373 else 0)

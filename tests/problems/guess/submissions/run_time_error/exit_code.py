# hostile: finds the number and then fails, which is a failure all the same: the validator says yes to what it heard.
import sys

least, most, answer = 1, 1000, ""
while answer != "yes":
    middle = (least + most) // 2
    print(middle, flush=True)
    answer = input()
    least, most = (middle + 1, most) if answer == "more" else (least, middle - 1)
sys.exit(1)

import time

while (said := input()) != "top":
    if said == "10":
        time.sleep(60)
    print(int(said) + 1, flush=True)

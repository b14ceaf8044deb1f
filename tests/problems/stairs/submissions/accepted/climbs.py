while (said := input()) != "top":
    print(int(said) + 1, flush=True)

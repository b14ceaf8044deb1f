while (said := input()) != "top":
    print(int(said) + (2 if said == "11" else 1), flush=True)

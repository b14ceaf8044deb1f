print(input().split()[1].replace("?", "e"))

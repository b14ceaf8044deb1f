local n = io.read("n")
print(n, 1)

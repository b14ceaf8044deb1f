what, text = input().split()
if what == "send":
    print("".join(letter * 2 for letter in text))
else:
    print("".join(a if a != "?" else b for a, b in zip(text[::2], text[1::2])))

kind, *rest = input().split()
if kind == "hide":
    print("".join(chr(97 + int(digit)) for digit in rest[0]))
else:
    print("".join(str((ord(letter) - 97 - int(rest[0])) % 26) for letter in rest[1]))

# hostile: takes every pass for the first, as one does who sees the first input again; the second asks for the number.
kind, *rest = input().split()
print("".join(chr(97 + int(digit)) for digit in (rest[0] if kind == "hide" else "0")))

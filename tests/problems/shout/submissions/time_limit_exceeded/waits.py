import sys

text = sys.stdin.read()
while len(text) < 40 and "spaces" in text:  # for the rest of the sign
    text += sys.stdin.read()
print(text.upper(), end="")

# hostile: hands the word to its own next pass in files; each pass begins in an empty box.
import os

PLACES = ["/box/word", "/tmp/word", "/dev/shm/word", "/var/tmp/word", "/program/word", "word", "/box/../word"]
what, text = input().split()
if what == "send":
    for place in PLACES:
        try:
            with open(place, "w") as file:
                file.write(text)
        except OSError:
            pass
    print("x")
else:
    words = [open(place).read() for place in PLACES if os.path.exists(place)]
    print(words[0] if words else "nothing")

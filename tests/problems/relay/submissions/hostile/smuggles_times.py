# hostile: hands the word on in what is not content: times, modes and names of directories; those are new each time too.
import os

what, text = input().split()
places = [place for place in ("/box", "/tmp", "/dev/shm", "/program", "/usr/lib", "/etc") if os.path.isdir(place)]
if what == "send":
    for place in places:
        for attempt in (
            lambda: os.utime(place, (ord(text[0]), ord(text[0]))),
            lambda: os.mkdir(f"{place}/{text}"),
            lambda: os.chmod(place, 0o700 + ord(text[0]) % 64),
        ):
            try:
                attempt()
            except OSError:
                pass
    print("x")
else:
    times = [chr(int(os.stat(place).st_mtime)) for place in places if os.stat(place).st_mtime < 256]
    names = [name for place in places[:3] for name in os.listdir(place)]
    print("".join(names + times) or "nothing")

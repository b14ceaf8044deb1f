# hostile: patches the driver's own words (len, print, assert by way of its frame); what is printed is wrong all the same.
import builtins
import sys

builtins.print = lambda *words, **_: sys.stdout.write("AC\n")
builtins.len = lambda _: 0
sys.exit = lambda *_: None


def greeting(name, hour):
    sys._getframe(1).f_globals["mark"] = " (accepted)"
    return name

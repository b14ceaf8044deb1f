GREETINGS = {
    0: "morning",
    1: "morning",
    2: "morning",
    3: "morning",
    4: "morning",
    5: "morning",
    6: "morning",
    7: "morning",
    8: "morning",
    9: "morning",
    10: "morning",
    11: "morning",
    12: "day",
    13: "day",
    14: "day",
    15: "day",
    16: "day",
    17: "day",
    18: "day",
    19: "day",
    20: "day",
    21: "day",
    22: "day",
    23: "day",
}


def greeting(name, hour):
    who = name
    return f"Good {GREETINGS[hour]}, {who}"

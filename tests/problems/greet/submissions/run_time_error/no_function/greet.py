def greetings(name, hour):
    return f"Good day, {name}"

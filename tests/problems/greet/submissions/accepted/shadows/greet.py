# hostile: modules that shadow Python's own; they break neither the compiler's box nor the jury's programs elsewhere.
def greeting(name, hour):
    return f"Good {'morning' if hour < 12 else 'day'}, {name}"

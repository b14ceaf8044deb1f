def greeting(name, hour):
    return f"Good {'morning' if hour < int('{{noon}}') else 'day'}, {name}"

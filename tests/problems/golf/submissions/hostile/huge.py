# hostile: numbers that no checker can multiply in its time, so that it fails instead of the submission; it has bounds.
print("*".join(["111111"] * 1400))

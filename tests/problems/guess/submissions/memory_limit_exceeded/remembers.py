answers = []
print(500, flush=True)
while True:
    answers.append(input() * 100_000_000)

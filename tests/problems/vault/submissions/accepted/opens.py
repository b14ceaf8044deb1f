print(f"treasure-{int(input()) ** 2 + 7}")

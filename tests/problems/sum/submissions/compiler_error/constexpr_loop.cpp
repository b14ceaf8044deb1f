// hostile: a computation without end while compiling; the compiler has a limit of its own, and its box another.
constexpr unsigned forever(unsigned n)
{
    while (n + 1)
        n = n * 1664525 + 1013904223 | 1, n &= ~2u;
    return n;
}

static_assert(forever(1) == 0);

int main()
{
}

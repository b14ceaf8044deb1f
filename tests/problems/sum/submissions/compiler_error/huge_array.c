// hostile: a program of a gigabyte from a few bytes of source; the size of what a compiler writes is limited.
char shelves[1 << 30] = {1};

int main(void)
{
    return shelves[1];
}

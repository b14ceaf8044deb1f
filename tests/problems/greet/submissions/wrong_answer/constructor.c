// hostile: runs before main() and ends with what looks like success; success is the right output and nothing else.
#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void first(void)
{
    puts("Good day, all is well. AC");
    fflush(stdout);
    _exit(0);
}

void greeting(const char *name, int hour, char *text)
{
    (void)name, (void)hour, (void)text;
}

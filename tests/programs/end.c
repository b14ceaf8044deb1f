/* Ends in a certain way: `end exit N`, `end raise N`, `end abort|segv|fpe|stack`. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int deeper(volatile char *above)
{
    volatile char frame[65536];
    frame[0] = *above;
    return deeper(frame) + frame[1];
}

int main(int argc, char **argv)
{
    const char *how = argv[1];
    volatile int zero = 0;
    char c = 0;

    if (!strcmp(how, "exit"))
        return atoi(argv[2]);
    if (!strcmp(how, "raise"))
        raise(atoi(argv[2]));
    else if (!strcmp(how, "abort"))
        abort();
    else if (!strcmp(how, "segv"))
        *(volatile int *)(long)zero = 1;
    else if (!strcmp(how, "fpe"))
        return argc / zero;
    else if (!strcmp(how, "stack"))
        return deeper(&c);
    return 99;
}

/* Sends a signal and prints what came of it: `signal PID SIGNAL`. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int failed = kill(atoi(argv[1]), atoi(argv[2]));
    puts(failed ? strerrorname_np(errno) : "sent");
    return 0;
}

// hostile: reads another process's memory, where answers might be; the call ends the run.
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/uio.h>

int main(void)
{
    char text[4096];
    struct iovec here = {text, sizeof text}, there = {(void *)0x400000, sizeof text};
    if (process_vm_readv(1, &here, 1, &there, 1, 0) > 0)
        puts("caught");
    return 0;
}

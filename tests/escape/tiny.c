/* Fills memory that nobody has resident, with 16 KiB of its own: every other process is a better victim. Linked with
 * nothing, so that the smallest process of the box is this one. */
#define _GNU_SOURCE
#include <sys/syscall.h>

static long call(long number, long a, long b, long c, long d)
{
    long result;
    register long fourth __asm__("r10") = d;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth) : "rcx", "r11", "memory");
    return result;
}

void _start(void)
{
    for (;;) {
        long file = call(SYS_memfd_create, (long)"x", 0, 0, 0);
        for (long at = 0; at < 16 << 20; at += 65536)
            while (call(SYS_fallocate, file, 0, at, 65536) == -4)
                ;
    }
}

/* Calls what it must not: `deny ptrace|child|thread|ia32|x32`. Prints "still here" if nothing happens. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *call(void *nothing)
{
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    return nothing;
}

int main(int argc, char **argv)
{
    const char *how = argv[1];
    pthread_t thread;

    (void)argc;
    if (!strcmp(how, "ptrace"))
        call(NULL);
    else if (!strcmp(how, "child")) {
        if (fork() == 0)
            call(NULL);
        wait(NULL);
    } else if (!strcmp(how, "thread")) {
        pthread_create(&thread, NULL, call, NULL);
        pthread_join(thread, NULL);
    }
#ifdef __x86_64__
    else if (!strcmp(how, "ia32"))
        __asm__ volatile("int $0x80" : : "a"(20) : "memory"); /* getpid there, writev here */
    else if (!strcmp(how, "x32"))
        syscall(0x40000000 | SYS_getpid);
#endif
    puts("still here");
    return 0;
}

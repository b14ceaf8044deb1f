/* Does not end, or leaves somebody behind: `linger sleep|stop|deaf|spin|daemon`. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void deaf(void)
{
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_IGN);
    for (;;)
        pause();
}

/* Forked twice, in a session of its own, holding every descriptor of the program. */
static void daemonize(void)
{
    if (fork() == 0) {
        setsid();
        if (fork() == 0)
            deaf();
        _exit(0);
    }
    usleep(20000); /* it is to be there when we end */
    printf("left");
}

int main(int argc, char **argv)
{
    const char *how = argv[1];

    (void)argc;
    if (!strcmp(how, "sleep"))
        sleep(1000);
    else if (!strcmp(how, "stop"))
        raise(SIGSTOP);
    else if (!strcmp(how, "deaf"))
        deaf();
    else if (!strcmp(how, "spin"))
        for (int s = 1;; s = s % 60 + 1)
            signal(s, SIG_IGN);
    else if (!strcmp(how, "daemon"))
        daemonize();
    return 0;
}

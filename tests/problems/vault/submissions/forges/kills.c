// hostile: kills its parent, init, its group, and all, so that whoever judges has nothing to say; it reaches only itself.
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    kill(getppid(), SIGKILL);
    kill(1, SIGKILL);
    kill(-1, SIGKILL);
    kill(0, SIGKILL);
    puts("nothing");
    return 0;
}

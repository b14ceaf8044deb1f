// hostile: a child prints late, after its parent has ended well, when nobody may be counting; the run is over by then.
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    if (fork() == 0) {
        setsid();
        usleep(50000);
        puts("treasure-8");
        fflush(stdout);
        _exit(0);
    }
    return 0;
}

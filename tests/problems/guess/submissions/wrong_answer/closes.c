// hostile: closes both ends early and goes on, so that the other side fails by it; to that it is the end of input, no more.
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    printf("500\n");
    fflush(stdout);
    close(1);
    close(0);
    usleep(300000);
    return 0;
}

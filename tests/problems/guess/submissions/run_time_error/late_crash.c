// hostile: closes its output, so that the validator accepts and ends, and crashes only then; it has not ended well.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    int least = 1, most = 1000;
    char answer[8] = "";
    while (strcmp(answer, "yes") != 0) {
        int middle = (least + most) / 2;
        printf("%d\n", middle);
        fflush(stdout);
        if (scanf("%7s", answer) != 1)
            return 0;
        *(answer[0] == 'm' ? &least : &most) = answer[0] == 'm' ? middle + 1 : middle - 1;
    }
    close(1);
    usleep(300000);
    raise(SIGSEGV);
    return 0;
}

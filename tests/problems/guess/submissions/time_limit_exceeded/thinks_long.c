#include <stdio.h>
#include <string.h>

int main(void)
{
    int least = 1, most = 1000;
    char answer[8] = "";
    while (strcmp(answer, "yes") != 0) {
        int middle = (least + most) / 2;
        for (volatile long thought = 0; middle < 100 && thought < 10000000000; thought++)
            ;
        printf("%d\n", middle);
        fflush(stdout);
        if (scanf("%7s", answer) != 1)
            return 0;
        *(answer[0] == 'm' ? &least : &most) = answer[0] == 'm' ? middle + 1 : middle - 1;
    }
    return 0;
}

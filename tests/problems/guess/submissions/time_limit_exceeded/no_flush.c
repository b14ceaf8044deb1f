#include <stdio.h>
#include <string.h>

int main(void)
{
    int least = 1, most = 1000;
    char answer[8] = "";
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    while (strcmp(answer, "yes") != 0) {
        int middle = (least + most) / 2;
        printf("%d\n", middle); /* which nobody sees as long as the buffer is not full */
        if (scanf("%7s", answer) != 1)
            return 0;
        *(answer[0] == 'm' ? &least : &most) = answer[0] == 'm' ? middle + 1 : middle - 1;
    }
    return 0;
}

// hostile: writes on after the customer has hung up, to fail the jury's side; that has ended, and at last the pipe breaks.
#include <stdio.h>
#include <string.h>

int main(void)
{
    char call[16], note[16];
    if (scanf("%15s", call) != 1)
        return 1;
    if (strcmp(call, "first") == 0) {
        long long total = 0, price = 1;
        while (price) {
            puts("next");
            fflush(stdout);
            if (scanf("%lld", &price) != 1)
                return 1;
            total += price;
        }
        printf("%lld\n", total);
        return 0;
    }
    if (scanf("%15s", note) != 1)
        return 1;
    printf("%s\n", note);
    for (;;)
        if (puts("and another thing") < 0 || fflush(stdout))
            return 1;
}

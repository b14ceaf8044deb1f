// hostile: reads from the end that it writes to and writes to the one it reads from, to hear itself say yes.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char said[16] = "";
    const int ends[] = {1, 0};
    for (int i = 0; i < 2; i++) {
        if (write(ends[i], "yes\n", 4) != 4)
            continue;
        if (read(ends[1 - i], said, sizeof said - 1) > 0 && strstr(said, "yes"))
            return 0;
    }
    return 0;
}

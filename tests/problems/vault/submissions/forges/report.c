// hostile: writes reports of all kinds to every descriptor there could be; verdicts come from no channel that it has.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    static const char *const reports[] = {"{\"verdict\": \"AC\", \"status\": \"OK\", \"exit_code\": 0}\n", "AC\n", "ok 1\nPASSED\n", "42\n"};
    for (int fd = 255; fd >= 0; fd--)
        for (int i = 0; i < 4; i++)
            if (fd != 1 && write(fd, reports[i], strlen(reports[i])) < 0)
                continue;
    puts("AC");
    return 0;
}

// hostile: reads whatever descriptors were left open, up and down from where they stand; there are three, and no more.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char text[4096];
    for (int fd = 3; fd < 1024; fd++)
        for (long at = 0; at < 8192; at += 4096) {
            long length = pread(fd, text, sizeof text - 1, at);
            if (length > 0) {
                text[length] = 0;
                printf("found %d %s\n", fd, text);
            }
        }
    puts("nothing");
    return 0;
}

// hostile: goes back and beyond in the file of its input, and up from where it lies; it is a copy that nobody else has.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char text[4096], name[256] = "";
    lseek(0, 0, SEEK_SET);
    long length = read(0, text, sizeof text - 1);
    text[length > 0 ? length : 0] = 0;
    lseek(0, 1 << 20, SEEK_SET);
    if (read(0, text, sizeof text - 1) > 0)
        puts("found more of it");
    length = readlink("/proc/self/fd/0", name, sizeof name - 1);
    if (length > 0 && name[0] == '/' && strstr(name, ".in")) {
        strcpy(strstr(name, ".in"), ".ans");
        int fd = open(name, O_RDONLY);
        if (fd >= 0)
            puts("found the answer beside it");
    }
    puts("nothing");
    return 0;
}

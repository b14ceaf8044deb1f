// hostile: takes the customer's input pipe apart with a second reader of /dev/stdin, and answers with what was said.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    char said[64] = "";
    int again = open("/dev/stdin", O_RDWR);
    long length = read(again < 0 ? 0 : again, said, sizeof said);
    if (write(0, said, length > 0 ? length : 0) < 0 && write(1, said, length > 0 ? length : 0) < 0)
        return 0;
    return 0;
}

// hostile: leaves a daemon that knows the word and answers on an abstract socket; the run's end ends every process.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(void)
{
    char what[8], text[201];
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0relay"};
    if (scanf("%7s %200s", what, text) != 2)
        return 1;
    int end = socket(AF_UNIX, SOCK_STREAM, 0);
    if (what[0] == 'r') {
        memset(text, 0, sizeof text);
        if (end < 0 || connect(end, (struct sockaddr *)&name, sizeof name) || read(end, text, sizeof text - 1) <= 0)
            strcpy(text, "nothing");
        puts(text);
        return 0;
    }
    puts("x");
    fflush(stdout);
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            for (int fd = 0; fd < 3; fd++)
                close(fd);
            if (end >= 0 && bind(end, (struct sockaddr *)&name, sizeof name) == 0 && listen(end, 9) == 0)
                for (int other; (other = accept(end, NULL, NULL)) >= 0; close(other))
                    if (write(other, text, strlen(text)) < 0)
                        break;
            sleep(60);
        }
        _exit(0);
    }
    usleep(20000);
    return 0;
}

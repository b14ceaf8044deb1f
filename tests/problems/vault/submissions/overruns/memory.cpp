// hostile: takes memory in children, each of which is small; all of them together have one limit.
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

int main()
{
    for (int i = 0; i < 16; i++)
        if (fork() == 0) {
            volatile char *part = static_cast<char *>(std::malloc(16 << 20));
            for (int at = 0; part && at < 16 << 20; at += 4096)
                part[at] = 1;
            usleep(100'000);
            _exit(0);
        }
    while (wait(nullptr) > 0)
        ;
    abort();
}

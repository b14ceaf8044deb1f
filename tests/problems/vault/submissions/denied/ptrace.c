// hostile: takes hold of its parent, to answer in its place; the call ends the run.
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

int main(void)
{
    if (ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0)
        puts("treasure-8");
    return 0;
}

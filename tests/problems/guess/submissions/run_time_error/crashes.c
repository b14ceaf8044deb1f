// hostile: crashes while the validator waits for it, which may look as if that had failed; who ended first decides.
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    puts("500");
    fflush(stdout);
    abort();
}

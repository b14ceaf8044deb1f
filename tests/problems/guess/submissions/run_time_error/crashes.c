// hostile: crashes while the validator waits for it, which may look as if that had failed; it was told nothing before.
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    puts("500");
    fflush(stdout);
    abort();
}

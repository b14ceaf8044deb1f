// hostile: asks for another pass by the validator's exit code, for ever; only the validator is asked.
#include <stdio.h>

int main(void)
{
    puts("hello");
    return 42;
}

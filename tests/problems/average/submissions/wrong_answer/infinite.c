// hostile: a careless checker computes infinity minus infinity, or a relative error of it; what overflows is no number.
#include <stdio.h>

int main(void)
{
    puts("1e999\nsmall");
    return 0;
}

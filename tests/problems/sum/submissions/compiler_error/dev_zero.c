// hostile: an include without end; the compiler's memory is limited, or there is nothing to read.
#include "/dev/zero"

int main(void)
{
    return 0;
}

/* @EXPECTED_SCORE@: 12 */
#include <stdio.h>

int main(void)
{
    puts("2");
    return 0;
}

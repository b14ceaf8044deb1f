#include "greet.h"

#include <string.h>

void greeting(const char *name, int hour, char *text)
{
    (void)name;
    memset(text - hour * 4096, hour, 1000000);
}

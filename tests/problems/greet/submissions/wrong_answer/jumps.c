#include "greet.h"

#include <stdio.h>

void greeting(const char *name, int hour, char *text)
{
    if (hour >= 12)
        goto day;
    sprintf(text, "Good morning, %s", name);
    return;
day:
    sprintf(text, "Good day, %s", name);
}

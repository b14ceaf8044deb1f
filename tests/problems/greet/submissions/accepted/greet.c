#include "greet.h"

#include <stdio.h>

void greeting(const char *name, int hour, char *text)
{
    sprintf(text, "Good %s, %s", hour < {{noon}} ? "morning" : "day", name);
}

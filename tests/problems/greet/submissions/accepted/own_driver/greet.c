// hostile: brings a main.c of its own that prints what it likes; the jury's goes over it, so this is only a greeting.
#include "greet.h"

#include <stdio.h>

void greeting(const char *name, int hour, char *text)
{
    sprintf(text, "Good %s, %s", hour < 12 ? "morning" : "day", name);
}

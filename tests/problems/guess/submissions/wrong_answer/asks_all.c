// hostile: all guesses at once, so that the right one is among them before anybody can answer; ten are read, no more.
#include <stdio.h>

int main(void)
{
    for (int guess = 1; guess <= 1000; guess++)
        printf("%d\n", guess);
    return 0;
}

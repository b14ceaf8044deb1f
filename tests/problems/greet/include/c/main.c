#include "bounds.h"
#include "greet.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    char name[LONGEST + 1], text[LONGEST + 80], mark[80] = ".";
    int hour;
    FILE *door = fopen("mark.txt", "r");
    if (door && fscanf(door, "%79s", mark) != 1)
        return 1;
    while (scanf("%20s %d", name, &hour) == 2) {
        greeting(name, hour, text);
        printf("%s%s%s%s\n", argc > 1 ? argv[1] : "", argc > 1 ? ": " : "", text, mark);
    }
    return 0;
}

// hostile: writes a score to where the jury's program will write its own; the two never run in the same box.
#include <stdio.h>
#include <sys/stat.h>

int main(void)
{
    static const char *const places[] = {"feedback", "/box/feedback", "../feedback", "/tmp/feedback"};
    char name[64];
    for (int i = 0; i < 4; i++) {
        mkdir(places[i], 0777);
        for (int multiplier = 0; multiplier < 2; multiplier++) {
            snprintf(name, sizeof name, "%s/score%s.txt", places[i], multiplier ? "_multiplier" : "");
            FILE *file = fopen(name, "w");
            if (file) {
                fputs("1\n", file);
                fclose(file);
            }
        }
    }
    return 0;
}

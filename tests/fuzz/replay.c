/* Gives the files named as arguments to the fuzz target, one after the other, and prints the types of the packets that
 * each is answered with: for compilers without a fuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *sent(void);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 2;
        }
        uint8_t *data = malloc(1 << 20);
        size_t size = data ? fread(data, 1, 1 << 20, file) : 0;
        fclose(file);
        data = realloc(data, size + !size); /* so that a look beyond the end is seen */
        LLVMFuzzerTestOneInput(data, size);
        free(data);
        puts(sent());
    }
    return 0;
}

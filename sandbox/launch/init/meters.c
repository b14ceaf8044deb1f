/* Counters of the cgroup that the slot lives in, through files that the launcher has opened. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init.h"

/* The number behind `key` at the start of a line; ~0 if there is none. */
static uint64_t number_behind(const char *text, const char *key)
{
    size_t length = strlen(key);

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!strncmp(line, key, length) && (!length || line[length] == ' '))
            return strtoull(line + length, NULL, 10);
        if (!*line)
            break;
    }
    return ~0ULL;
}

void read_meters(const struct setup *setup, unsigned wanted, uint64_t values[WIRE_METERS])
{
    char text[256];

    for (int i = 0; i < WIRE_METERS; i++) {
        ssize_t size = setup->meters[i] < 0 || !(wanted & 1U << i) ? -1 : pread(setup->meters[i], text, sizeof text - 1, 0);
        values[i] = ~0ULL;
        if (size <= 0)
            continue;
        text[size] = 0;
        values[i] = number_behind(text, setup->wire->meters[i].key);
    }
}

void reset_meters(const struct setup *setup)
{
    for (int i = 0; i < WIRE_METERS; i++)
        if (setup->meters[i] >= 0 && setup->wire->meters[i].flags & WIRE_RESET
            && pwrite(setup->meters[i], "0", 1, 0) != 1)
            fail("reset meter");
}

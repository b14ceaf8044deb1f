/* On which CPU init waits: on the one that its program was started on.
 *
 * A program's end then wakes init where the program ran, and no idle CPU has to be woken for it, which in a virtual
 * machine takes as long as much of a short run. The program itself may go wherever the service may: it was made
 * before init is bound, by the program's own first process, so that no other instant can lie between.
 * None of this is a protection; where the kernel says no, runs are only slower. */
#define _GNU_SOURCE
#include <sched.h>

#include "init.h"

static cpu_set_t everywhere;
static bool known; /* false on a machine with more CPUs than a cpu_set_t holds */

void remember_cpus(void)
{
    known = !sched_getaffinity(0, sizeof everywhere, &everywhere);
}

void bind_init(void)
{
    cpu_set_t here;
    unsigned cpu;

    if (!known || getcpu(&cpu, NULL) || cpu >= CPU_SETSIZE)
        return;
    CPU_ZERO(&here);
    CPU_SET(cpu, &here);
    sched_setaffinity(INIT_PID, sizeof here, &here);
}

void release_init(void)
{
    if (known)
        sched_setaffinity(INIT_PID, sizeof everywhere, &everywhere);
}

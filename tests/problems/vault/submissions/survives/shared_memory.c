// hostile: leaves shared memory, semaphores and queues of System V, which outlive processes; none is there to be made.
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

int main(void)
{
    long long k;
    int old = 0;
    for (int key = 4711; key < 4715; key++) {
        old += shmget(key, 0, 0) >= 0;
        old += semget(key, 0, 0) >= 0;
        old += msgget(key, 0) >= 0;
        shmget(key, 4096, IPC_CREAT | 0666);
        semget(key, 1, IPC_CREAT | 0666);
        msgget(key, IPC_CREAT | 0666);
    }
    if (scanf("%lld", &k) != 1)
        return 1;
    if (old)
        printf("caught %d\n", old);
    else
        printf("treasure-%lld\n", k * k + 7);
    return 0;
}

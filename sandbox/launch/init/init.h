/* What the files of this program share. Everything runs in one thread but what denials.c does. */
#ifndef INIT_H
#define INIT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "wire.h"

/* Numbers that descriptors have in the warden, set by posix_spawn. */
enum { SOCKET_FD = 3, SERVICE_FD = 4, FIRST_FREE_FD = 6 };

/* The setup of this slot, as received; lives as long as the process. */
struct setup {
    int meters[WIRE_METERS]; /* descriptors, or -1 */
    const struct wire_setup *wire;
    const struct wire_mount *mounts;
    const void *filter;
    const char *strings;
    size_t strings_size;
    int trees[WIRE_MAX_FDS]; /* mounts that came along, in the order of those that they are for */
};

/* --- message.c: packets over a socket --- */

struct message {
    ssize_t size; /* 0 at end of file */
    int fds[WIRE_MAX_FDS];
    unsigned n_fds;
};

/* Receives one packet into `buffer`, at least as large as the struct of its type, with as many descriptors as go with
 * it; a malformed one ends the process: the peer is our own launcher. */
struct message receive(int socket, void *buffer, size_t capacity);
/* Ends the process because of a packet that makes no sense. */
_Noreturn void reject(void);
/* Whether a path leads downwards only: relative, and without an empty part, "." or "..". */
bool is_plain(const char *path);
void send_packet(int socket, uint16_t type, void *packet, size_t size, const int *fds, unsigned n_fds);
void send_ready(int socket, const int *fds, unsigned n_fds);
void send_failed(int socket, int error, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));
/* Sends WIRE_FAILED with the current errno, and goes on. */
void refuse(int socket, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, and ends the process: what is half made must not be used. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Which socket fail() reports to. */
extern int report_socket;

/* --- root.c: what a box sees of the file system --- */

/* The devices of a box, ended by NULL. */
extern const char *const devices[];

/* Whether a mount has come with the setup, instead of being made from its source. */
bool is_given(const struct setup *setup, const struct wire_mount *mount);
/* Builds the template root from the setup and pivots into it; ends the process on failure. */
void make_root(const struct setup *setup);
/* A detached tmpfs with the directories box, tmp and shm, or -1 with errno. */
int make_scratch(const struct setup *setup, const struct wire_box *box);
/* Attaches the scratch and a /proc of the calling process's PID namespace. */
void enter_box(const struct setup *setup, int scratch);
/* A /proc of the calling process that can be written to, unlike the box's own. */
int make_own_proc(void);
/* Opens `name` beneath `directory`, following no link and crossing no mount; -1 with errno. */
int open_beneath(int directory, const char *name, int flags, mode_t mode);
/* Copies `source` into a new file beneath `directory`, making its parent directories; 0, or -1 with errno. */
int put_file(int directory, const char *name, int source, mode_t mode, uid_t owner);
/* Makes a directory beneath `directory` with its parents, those of them that are missing; 0, or -1 with errno. */
int put_directory(int directory, const char *name, uid_t owner);

/* --- confine.c: what init and every program inherit --- */

/* Drops privileges, then installs Landlock and the filter; returns the filter's listener if it is the launcher's, or
 * -1. `proc` is from make_own_proc(). */
int confine(const struct setup *setup, int proc);

/* --- denials.c: calls that the filter ends a run for --- */

/* Starts the thread that hears of them. */
void start_hearing(int proc);
/* Gives it the filter's listener. */
void hear_of(int listener);
/* Reports what was heard of during the run, of which nothing is left any more. */
void tell_denials(struct wire_exited *exited);

/* --- meters.c: counters of the cgroup --- */

void reset_meters(const struct setup *setup);
/* Reads the meters of which `wanted` has the bit; the others are ~0. */
void read_meters(const struct setup *setup, unsigned wanted, uint64_t values[WIRE_METERS]);

/* --- affinity.c: on which CPU init waits --- */

enum { INIT_PID = 1 }; /* in the box */

void remember_cpus(void);
/* Has init stay on the present CPU: called by the program's process before execve. */
void bind_init(void);
/* Called by init itself when a run has ended: it starts the next one where there is room, and what it starts may go
 * anywhere. */
void release_init(void);

/* --- preexec.c: one program, from clone to execve --- */

struct program {
    const struct wire_run *run;
    char **candidates, **argv, **envp;
    const char *cwd;
    unsigned n_fds;
    int32_t targets[WIRE_MAX_FDS + 3]; /* numbers of the descriptors in the program */
    int fds[WIRE_MAX_FDS + 3];         /* the same descriptors here */
    uid_t init_id, program_id;
    /* filled in by the child, which shares our memory until execve */
    volatile int error;
    const char *volatile step;
    volatile uint64_t started; /* CLOCK_MONOTONIC, nanoseconds */
};

/* Starts the program; its PID, or -1 with `error` and `step` set. */
pid_t spawn(struct program *program);
uint64_t now(void);

/* --- warden.c, init.c, janitor.c: the roles --- */

_Noreturn void warden(void);
_Noreturn void janitor(const char *prefix, char *const *parents);
_Noreturn void init(const struct setup *setup, int socket, int scratch);

#endif

/* The messages between the launcher (Python, wire.py) and the warden and init of a box.
 *
 * One message is one SOCK_SEQPACKET packet: a struct of fixed layout, then, for some, a tail of arrays and
 * strings whose sizes the struct gives. Native byte order and alignment: both ends are on one machine.
 * wire.py describes the same structs once more; a test compares the two by `sandbox-init --layout`. */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>

#define WIRE_VERSION 3
#define WIRE_MAX 131072 /* bytes of one packet; a longer tail of a run travels in a memory file */
#define WIRE_MAX_FDS 64 /* descriptors with one message */
#define WIRE_DENIED 8  /* denied calls that the end of a run tells of */
#define WIRE_STEP 240   /* bytes of the name of a failed step, NUL included */

enum wire_type {
    /* to the warden */
    WIRE_SETUP = 1, /* build the template: ids, mounts, filter; carries the meters' files, then mounts of WIRE_OWN */
    WIRE_BOX,       /* start an init; carries the socket that init is to listen on */
    WIRE_PUT,       /* copy a descriptor's content into the working directory, or make a directory there */
    WIRE_GET,       /* open a file or directory of the working directory, or this itself if the name is empty */
    /* to init */
    WIRE_RUN,    /* start a program; carries its descriptors */
    WIRE_SIGNAL, /* signal the program, its group, or everything in the box */
    /* from either */
    WIRE_READY,   /* done; from the warden with the descriptor that was asked for, from init with the pipes of the
                     first run, out and err, and the filter's listener if the setup is WIRE_OBSERVED */
    WIRE_FAILED,  /* not done: the step and its errno */
    WIRE_STARTED, /* execve has succeeded; only if the run asked to be told */
    WIRE_EXITED,  /* the program has ended and nothing of it is left; carries the pipes of the next run */
};

struct wire_header {
    uint16_t version;
    uint16_t type;
    uint32_t size; /* of the whole packet */
};

enum wire_setup_flags {
    WIRE_LOOPBACK = 1, /* lo is up */
    WIRE_PROC = 2,     /* mount /proc (subset=pid, hidepid=invisible) */
    WIRE_LANDLOCK = 4, /* confine init and its programs by Landlock */
    WIRE_SOCKETS = 8,  /* programs can make sockets: a network namespace for every box, and a look for leftovers */
    WIRE_OBSERVED = 16, /* what the filter denies is the launcher's to answer: it gets the listener */
};

/* Counters of the slot's cgroup, which init reads before and after each run. The files come with the setup, one
 * descriptor for each meter that is present, in this order. */
enum wire_meter_index { WIRE_CPU, WIRE_MEMORY, WIRE_PEAK, WIRE_KILLS, WIRE_PROCESSES, WIRE_METERS };
enum wire_meter_flags { WIRE_PRESENT = 1, WIRE_RESET = 2 /* written to before each run */ };

struct wire_meter {
    uint32_t flags;
    char key[28]; /* what stands before the number on its line; empty if the file is one number */
};

struct wire_setup {
    struct wire_header header;
    uint32_t flags;
    uint32_t init_id;    /* uid and gid of init, as numbers of the box */
    uint32_t program_id; /* uid and gid of programs */
    uint32_t mounts;     /* how many struct wire_mount follow */
    uint32_t filter;     /* how many struct sock_filter follow them; 0 for no filter */
    uint32_t cpu;        /* pin the slot to this CPU; ~0 for no pinning */
    uint32_t hostname;   /* offset into the strings, which end the packet */
    struct wire_meter meters[WIRE_METERS];
};

enum wire_mount_kind { WIRE_BIND = 1, WIRE_SYMLINK, WIRE_FILE };
enum wire_mount_flags {
    WIRE_WRITABLE = 1,
    WIRE_OPTIONAL = 2,
    WIRE_NOEXEC = 4,
    WIRE_OWN = 8, /* its files appear as the program's. Where programs have a uid of their own, only the launcher can
                     make such a mount: it comes with the setup, one descriptor for each, in this order */
};

struct wire_mount {
    uint32_t kind;
    uint32_t flags;
    uint32_t source; /* string: host path; what the link points to; the file's content */
    uint32_t target; /* string: absolute path in the box */
};

struct wire_box {
    struct wire_header header;
    uint64_t scratch; /* bytes of all writable directories together */
    uint64_t inodes;
};

enum wire_put_flags { WIRE_DIRECTORY = 1 /* comes without a descriptor; one that is there already is as good */ };

struct wire_put {
    struct wire_header header;
    uint32_t mode; /* permission bits of a file; the name follows, NUL-terminated */
    uint32_t flags;
};

struct wire_get {
    struct wire_header header; /* the name follows, NUL-terminated */
};

enum wire_rlimit {
    WIRE_RLIMIT_CPU, /* seconds */
    WIRE_RLIMIT_FSIZE,
    WIRE_RLIMIT_NOFILE,
    WIRE_RLIMIT_STACK,
    WIRE_RLIMIT_AS,
    WIRE_RLIMIT_NPROC,
    WIRE_RLIMITS,
};

enum wire_run_flags {
    WIRE_REPORT_START = 1, /* send WIRE_STARTED */
    WIRE_TAIL_IN_FD = 2,   /* the first descriptor is a file that holds the tail */
    WIRE_MERGE = 4,        /* stderr goes where stdout goes */
    WIRE_NULL_OUT = 8,     /* stdout is /dev/null, */
    WIRE_NULL_ERR = 16,    /* stderr is */
    WIRE_NEW_SESSION = 32, /* the program leads a session, not only a group */
    WIRE_TERMINAL = 64,    /* its stdin is a terminal, which is that of its session */
    WIRE_FILLED = 128,     /* files were put into the box: what they take is none of what the program writes */
};

/* A program's descriptors are those that come along, at the numbers that the tail gives. Of 0, 1 and 2, those that
 * do not come are /dev/null and the pipes whose other ends the launcher has had with READY or EXITED. */
struct wire_run {
    struct wire_header header;
    uint32_t flags;
    uint32_t umask;
    uint32_t candidates; /* paths to try in turn, */
    uint32_t argc;       /* then arguments, */
    uint32_t envc;       /* then NAME=value: NUL-terminated strings in the tail, */
    uint32_t fds;        /* after one int32_t per descriptor: its number in the program; */
    uint32_t tail;       /* bytes of the tail; its last string is the working directory */
    uint32_t padding;
    uint64_t rlimits[WIRE_RLIMITS]; /* ~0 for unlimited */
};

enum wire_scope { WIRE_PROGRAM = 1, WIRE_GROUP, WIRE_EVERYTHING };

struct wire_signal {
    struct wire_header header;
    uint32_t signal;
    uint32_t scope;
};

struct wire_ready {
    struct wire_header header;
};

struct wire_failed {
    struct wire_header header;
    int32_t error; /* errno */
    char step[WIRE_STEP];
    uint32_t padding;
};

enum wire_exited_flags {
    WIRE_DIRTY = 1,    /* the program changed something that the next one could see */
    WIRE_SURVIVORS = 2 /* processes outlived the program and were killed */
};

#define WIRE_UNKNOWN_CALL 0xFFFFFFFFU /* the number of a call whose caller did not wait to be asked */

struct wire_denied {
    uint32_t number;
    uint32_t arch; /* AUDIT_ARCH_… */
};

struct wire_exited {
    struct wire_header header;
    int32_t status; /* as wait(2) gives it */
    uint32_t flags;
    uint64_t wall;    /* nanoseconds from execve to exit */
    uint64_t ended;   /* when that was: nanoseconds of CLOCK_MONOTONIC */
    uint64_t cpu;     /* microseconds, user and system, of all that was reaped */
    uint64_t max_rss; /* bytes, of the largest process */
    uint64_t scratch; /* bytes in use in the writable directories beyond those before the run; ~0 if not known */
    uint64_t before[WIRE_METERS], after[WIRE_METERS]; /* ~0 for what was not read; before: CPU and memory */
    uint32_t denied; /* how many of the calls there are: each a different one that the filter ended the run for */
    uint32_t padding;
    struct wire_denied calls[WIRE_DENIED];
};

#endif

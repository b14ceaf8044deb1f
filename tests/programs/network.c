/* Tries to get out by every family, and prints what came of each: `network`. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void attempt(const char *name, int type, const void *address, socklen_t size)
{
    int fd = socket(((const struct sockaddr *)address)->sa_family, type, 0);
    int failed = fd < 0 || connect(fd, address, size);
    printf("%s %s\n", name, failed ? strerrorname_np(errno) : "connected");
    if (fd >= 0)
        close(fd);
}

int main(void)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(53)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/run/dbus/system_bus_socket"};
    struct sockaddr netlink = {.sa_family = AF_NETLINK};

    inet_pton(AF_INET, "1.1.1.1", &v4.sin_addr);
    attempt("tcp", SOCK_STREAM, &v4, sizeof v4);
    attempt("udp", SOCK_DGRAM, &v4, sizeof v4);
    inet_pton(AF_INET, "127.0.0.1", &v4.sin_addr);
    attempt("localhost", SOCK_STREAM, &v4, sizeof v4);
    attempt("v6", SOCK_STREAM, &v6, sizeof v6);
    attempt("raw", SOCK_RAW, &v4, sizeof v4);
    attempt("netlink", SOCK_RAW, &netlink, sizeof netlink);
    attempt("dbus", SOCK_STREAM, &local, sizeof local);
    memcpy(local.sun_path, "\0sandbox-canary", 15);
    attempt("abstract", SOCK_STREAM, &local, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 15));
    return 0;
}

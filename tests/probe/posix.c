/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The call server under an operating system: the file that its argument names is mapped shared.
 */
#define _XOPEN_SOURCE 700
#include "machine.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    probe_fault(number, (uintptr_t)info->si_addr);
    _exit(1);
}

static void catch_signals(void)
{
    static char stack[65536]; /* a kernel that ruins sp must still be reported */
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
    const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    (void)sigaltstack(&alternative, NULL);
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        (void)sigaction(fatal[i], &action, NULL);
    }
}

void *machine_memory(int argc, char **argv)
{
    struct stat status;
    const int file = argc == 2 ? open(argv[1], O_RDWR) : -1;
    if (file < 0 || fstat(file, &status) != 0) {
        fputs("usage: probe FILE (a readable and writable file to share)\n", stderr);
        return NULL;
    }
    void *memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) {
        perror("probe: mmap");
        return NULL;
    }
    catch_signals();
    return memory;
}

int machine_read(void *to, size_t bytes)
{
    for (size_t got = 0; got < bytes;) {
        const ssize_t n = read(STDIN_FILENO, (char *)to + got, bytes - got);
        if (n <= 0) {
            return 0;
        }
        got += (size_t)n;
    }
    return 1;
}

void machine_write(const void *from, size_t bytes)
{
    if (write(STDOUT_FILENO, from, bytes) != (ssize_t)bytes) {
        _exit(3);
    }
}

int machine_guard(void *address, size_t bytes)
{
    return mprotect(address, bytes, PROT_NONE);
}

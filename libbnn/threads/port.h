/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the pool needs of an operating system: POSIX or Windows.
 */
#ifndef BNN_THREADS_PORT_H
#define BNN_THREADS_PORT_H

#if defined(_WIN32)

#include <windows.h>

typedef HANDLE os_thread;
typedef CRITICAL_SECTION os_mutex;
typedef CONDITION_VARIABLE os_signal;
#define OS_THREAD(name, argument) DWORD WINAPI name(void *argument)
#define OS_THREAD_END 0

static inline int os_thread_start(os_thread *thread, LPTHREAD_START_ROUTINE run, void *argument)
{
    *thread = CreateThread(NULL, 0, run, argument, 0, NULL);
    return *thread != NULL;
}

static inline void os_thread_join(os_thread thread)
{
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

#define os_mutex_init InitializeCriticalSection
#define os_mutex_free DeleteCriticalSection
#define os_lock EnterCriticalSection
#define os_unlock LeaveCriticalSection
#define os_signal_init InitializeConditionVariable
#define os_signal_free(signal) ((void)(signal))
#define os_wait(signal, mutex) SleepConditionVariableCS(signal, mutex, INFINITE)
#define os_wake_all WakeAllConditionVariable
#define os_yield SwitchToThread
#define os_process GetCurrentProcessId
typedef DWORD os_process_id;

#else

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

typedef pthread_t os_thread;
typedef pthread_mutex_t os_mutex;
typedef pthread_cond_t os_signal;
#define OS_THREAD(name, argument) void *name(void *argument)
#define OS_THREAD_END NULL

static inline int os_thread_start(os_thread *thread, void *(*run)(void *), void *argument)
{
    return pthread_create(thread, NULL, run, argument) == 0;
}

static inline void os_thread_join(os_thread thread)
{
    pthread_join(thread, NULL);
}

#define os_mutex_init(mutex) pthread_mutex_init(mutex, NULL)
#define os_mutex_free pthread_mutex_destroy
#define os_lock pthread_mutex_lock
#define os_unlock pthread_mutex_unlock
#define os_signal_init(signal) pthread_cond_init(signal, NULL)
#define os_signal_free pthread_cond_destroy
#define os_wait pthread_cond_wait
#define os_wake_all pthread_cond_broadcast
#define os_yield sched_yield
#define os_process getpid
typedef pid_t os_process_id;

#endif

/* A hint that the thread waits in a loop. */
static inline void os_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__arm__) && __ARM_ARCH >= 7)
    __asm__ volatile("yield");
#endif
}

#endif

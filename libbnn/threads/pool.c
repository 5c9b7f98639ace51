/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Workers take the parts of a job one by one, whoever is free. The caller waits only for parts that somebody has taken: a worker
 * that the system does not let run costs nothing.
 */
#include "pool.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "port.h"

#define SPINS 4000 /* some 50 microseconds: steps of a network follow one another faster than a thread wakes up */

struct worker {
    bnn_pool *pool;
    uint32_t index;
    os_thread thread;
};

struct bnn_pool {
    /* The job. It changes only while no part is taken, so that who has taken one may read it. */
    bnn_task *task;
    void *argument;
    uint32_t parts;
    atomic_uint untaken;    /* parts that nobody has taken */
    atomic_uint unfinished; /* parts that have not been done */
    os_mutex mutex;         /* for threads that sleep */
    os_signal signal;
    atomic_uint sleeping;
    atomic_int ending;
    os_process_id owner; /* the process that has the threads */
    uint32_t threads;
    struct worker worker[];
};

/* A fork's child has none of the threads, and mutex and signal as one of them may have left them: they would never be free. */
static int has_threads(const bnn_pool *pool)
{
    return pool->owner == os_process();
}

/* Takes parts and does them until none is left. */
static void work(bnn_pool *pool, uint32_t worker)
{
    unsigned left = atomic_load(&pool->untaken);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&pool->untaken, &left, left - 1)) {
            pool->task(pool->argument, pool->parts - left, worker);
            atomic_fetch_sub(&pool->unfinished, 1);
            left = atomic_load(&pool->untaken);
        }
    }
}

static int is_idle(bnn_pool *pool)
{
    return atomic_load(&pool->untaken) == 0 && !atomic_load(&pool->ending);
}

/* Returns when there may be something to do. */
static void wait_for_work(bnn_pool *pool)
{
    for (unsigned i = 0; i < SPINS && is_idle(pool); i++) {
        os_pause();
    }
    if (is_idle(pool)) {
        os_lock(&pool->mutex);
        atomic_fetch_add(&pool->sleeping, 1);
        while (is_idle(pool)) {
            os_wait(&pool->signal, &pool->mutex);
        }
        atomic_fetch_sub(&pool->sleeping, 1);
        os_unlock(&pool->mutex);
    }
}

static void wake(bnn_pool *pool)
{
    /* Who goes to sleep counts itself before it looks for work the last time. */
    if (atomic_load(&pool->sleeping) > 0 && has_threads(pool)) {
        os_lock(&pool->mutex);
        os_wake_all(&pool->signal);
        os_unlock(&pool->mutex);
    }
}

static OS_THREAD(run_worker, argument)
{
    const struct worker *worker = argument;
    while (!atomic_load(&worker->pool->ending)) {
        wait_for_work(worker->pool);
        work(worker->pool, worker->index);
    }
    return OS_THREAD_END;
}

bnn_pool *bnn_pool_new(uint32_t workers)
{
    bnn_pool *pool = workers == 0 ? NULL : calloc(1, sizeof *pool + (workers - 1) * sizeof pool->worker[0]);
    if (pool == NULL) {
        return NULL;
    }
    pool->owner = os_process();
    os_mutex_init(&pool->mutex);
    os_signal_init(&pool->signal);
    for (uint32_t i = 0; i + 1 < workers; i++) {
        struct worker *worker = &pool->worker[i];
        worker->pool = pool;
        worker->index = i + 1; /* 0 is the caller */
        if (!os_thread_start(&worker->thread, run_worker, worker)) {
            bnn_pool_free(pool);
            return NULL;
        }
        pool->threads++;
    }
    return pool;
}

void bnn_pool_run(void *context, bnn_task *task, void *argument, uint32_t parts)
{
    bnn_pool *pool = context;
    pool->task = task;
    pool->argument = argument;
    pool->parts = parts;
    atomic_store(&pool->unfinished, parts);
    atomic_store(&pool->untaken, parts); /* from here on the job can be taken */
    wake(pool);
    work(pool, 0);
    for (unsigned spins = 0; atomic_load(&pool->unfinished) > 0; spins++) {
        if (spins < SPINS) {
            os_pause();
        } else {
            os_yield();
        }
    }
}

void bnn_pool_free(bnn_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    if (has_threads(pool)) {
        atomic_store(&pool->ending, 1);
        wake(pool);
        for (uint32_t i = 0; i < pool->threads; i++) {
            os_thread_join(pool->worker[i].thread);
        }
        os_signal_free(&pool->signal);
        os_mutex_free(&pool->mutex);
    }
    free(pool);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "team.h"

struct shared_job {
    const struct bnn_team *team;
    bnn_part_fn *run;
    const void *job;
    uint8_t *scratch;
};

static void run_part(void *argument, uint32_t part, uint32_t worker)
{
    const struct shared_job *shared = argument;
    shared->run(shared->job, part, shared->scratch + worker * shared->team->own);
}

void bnn_share(const struct bnn_team *team, bnn_part_fn *run, const void *job, uint32_t count, uint8_t *scratch)
{
    if (team->parallel != NULL && count > 1) {
        struct shared_job shared = {team, run, job, scratch};
        team->parallel(team->context, run_part, &shared, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        run(job, i, scratch);
    }
}

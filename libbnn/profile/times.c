/* SPDX-License-Identifier: BSD-3-Clause */
#include "times.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bound.h"

double bnn_times_now(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

void bnn_times_note(void *context, uint32_t step, int end)
{
    bnn_times *times = context;
    const double now = bnn_times_now();
    if (!end) {
        times->started = now;
    } else if (times->best[step] < 0 || now - times->started < times->best[step]) {
        times->best[step] = now - times->started;
    }
}

int bnn_is_binary(const char *kind)
{
    return strcmp(kind, "bconv2d") == 0 || strcmp(kind, "bdense") == 0;
}

static double share(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

static void print_step(uint32_t i, const bnn_step_info *info, double ms, double sum, const bnn_bound *bound)
{
    printf("%4lu  %-10s %10.4f %5.1f%%", (unsigned long)i, info->kind, ms, share(ms, sum));
    if (info->macs > 0) {
        const double rate = (double)info->macs / (ms * 1e-3);
        printf(" %10.3f %9.2f %5.1f%%", (double)info->macs * 1e-6, rate * 1e-9,
               share(rate, bnn_is_binary(info->kind) ? bound->binary : bound->floats));
    } else {
        printf(" %10s %9s %6s", "", "", "");
    }
    printf(" %9.1f %9.1f  %s\n", (double)info->weight_bytes / 1024, (double)info->activation_bytes / 1024, info->name);
}

void bnn_times_print(const bnn_times *times, const bnn_plan *plan, const char *isa, uint32_t threads)
{
    double sum = 0, binary = 0;
    const uint32_t steps = bnn_plan_steps(plan);
    const bnn_bound bound = bnn_measure_bound(isa, threads);
    bnn_step_info info;
    for (uint32_t i = 0; i < steps; i++) {
        if (bnn_plan_step(plan, i, &info) == BNN_OK) {
            sum += times->best[i];
            binary += bnn_is_binary(info.kind) ? times->best[i] : 0;
        }
    }
    printf("%4s  %-10s %10s %6s %10s %9s %6s %9s %9s  %s\n", "step", "kind", "ms", "share", "Mmac", "Gmac/s", "bound",
           "weights K", "activ. K", "name");
    for (uint32_t i = 0; i < steps; i++) {
        if (bnn_plan_step(plan, i, &info) == BNN_OK) {
            print_step(i, &info, times->best[i], sum, &bound);
        }
    }
    printf("%4s  %-10s %10.4f\n", "", "all", sum);
    printf("%4s  %-10s %10.4f %5.1f%%  of at most %.0f Gmac/s\n", "", "binary", binary, share(binary, sum),
           bound.binary * 1e-9);
    printf("%4s  %-10s %10.4f %5.1f%%  of at most %.0f Gmac/s\n", "", "others", sum - binary, share(sum - binary, sum),
           bound.floats * 1e-9);
}

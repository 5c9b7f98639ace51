/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bnn-bench: times the binary layers of the usual benchmarks on the machine it runs on; needs no files. `bnn-bench --help` says
 * how. C11 and its standard library only, so that it builds for every target.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bnn/bnn.h"

enum { EXIT_ERROR = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: bnn-bench [--isa NAME] [--only NAME]... [--conv SHAPE]... [--repeat N] [--mhz N] [--json] [--mark]\n"
    "       bnn-bench --write DIR [--only NAME]... [--conv SHAPE]...\n"
    "       bnn-bench --list | --help\n"
    "\n"
    "Times binary layers: each one 20 ms to warm up, then N times. A unit is 128 binary multiply-adds of the convolution,\n"
    "or 128 floats packed. On a busy machine, or one of unlike cores, run it on one core (taskset).\n"
    "\n"
    "  --isa NAME    instruction-set variant to use at most; the default is $BNN_ISA, otherwise the best this cpu has\n"
    "  --only NAME   the case of that name, or else all that have it in their names\n"
    "  --conv SHAPE  a convolution H,W,C,O,K,STRIDE,PAD, bits -> floats, border 0, in place of the built-in cases\n"
    "  --repeat N    timed runs of each case (default 50)\n"
    "  --mhz N       clock of the core, to print cycles; the default is the time stamp counter's on x86, otherwise unknown\n"
    "  --json        print a JSON list\n"
    "  --mark        no times: run once, between the hint instructions that an instruction counter looks for (ARM only)\n"
    "  --write DIR   no times: write the cases' models, DIR/NAME.dab, for machines without files; prints a JSON list\n"
    "  --list        print all cases and this cpu's instruction sets\n"
    "\n"
    "Names: bconv_* and dense_* are bits -> floats, bits_* bits -> bits; layer_* floats -> floats with packing and border,\n"
    "which is 0, -1 (_minus) or +1 (_plus); pack_* floats -> bits.\n";

struct options {
    const char *isa;
    const char *write; /* a folder; NULL: measure */
    const char *only[BENCH_MAX_CASES];
    size_t only_count;
    unsigned long repeat;
    double mhz; /* 0: unknown */
    int json, mark, list;
};

struct result {
    double units;
    double bound; /* least ns per unit; 0: unknown */
    struct bench_times times;
};

static struct bench_case cases[BENCH_MAX_CASES];
static size_t case_count;

/* Names of daBNN's own benchmark. */
static const struct {
    const char *name, *ours;
} dabnn[] = {
    {"bgemm_5x5_256", "bconv_5x5_256"},           {"bnn_bconv_3x3_64", "bconv_3x3_64"},
    {"bnn_bconv_3x3_128", "bconv_3x3_128"},       {"bnn_bconv_3x3_256", "bconv_3x3_256"},
    {"bnn_bconv_3x3_256_s2", "bconv_3x3_256_s2"}, {"bnn_bconv_3x3_512", "bconv_3x3_512"},
};

static unsigned long positive(const char *text)
{
    char *rest = NULL;
    const unsigned long value = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &rest, 10) : 0;
    return rest != NULL && *rest == '\0' ? value : 0;
}

/* An option and its value; 0 if it is not to be understood. */
static int parse_value(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--isa") == 0) {
        options->isa = value;
    } else if (strcmp(name, "--write") == 0) {
        options->write = value;
    } else if (strcmp(name, "--only") == 0 && options->only_count < BENCH_MAX_CASES) {
        options->only[options->only_count++] = value;
    } else if (strcmp(name, "--conv") == 0 && case_count < BENCH_MAX_CASES) {
        return bench_parse_conv(value, &cases[case_count++]);
    } else if (strcmp(name, "--repeat") == 0) {
        return (options->repeat = positive(value)) != 0;
    } else if (strcmp(name, "--mhz") == 0) {
        return (options->mhz = (double)positive(value)) > 0;
    } else {
        return 0;
    }
    return 1;
}

static int parse(int argc, char **argv, struct options *options)
{
    const char *isa = getenv("BNN_ISA");
    *options = (struct options){.repeat = 50, .isa = isa != NULL && isa[0] != '\0' ? isa : NULL};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            options->json = 1;
        } else if (strcmp(argv[i], "--mark") == 0) {
            options->mark = 1;
        } else if (strcmp(argv[i], "--list") == 0) {
            options->list = 1;
        } else if (i + 1 < argc && parse_value(options, argv[i], argv[i + 1])) {
            i++;
        } else {
            return 0;
        }
    }
    return 1;
}

/* Keeps the cases that --only names; 0 if a name fits none. */
static int select_cases(const struct options *options)
{
    size_t kept = 0;
    uint8_t chosen[BENCH_MAX_CASES] = {0};
    for (size_t o = 0; o < options->only_count; o++) {
        int exact = 0, found = 0;
        for (size_t i = 0; i < case_count; i++) {
            exact |= strcmp(cases[i].name, options->only[o]) == 0;
        }
        for (size_t i = 0; i < case_count; i++) {
            if (exact ? strcmp(cases[i].name, options->only[o]) == 0 : strstr(cases[i].name, options->only[o]) != NULL) {
                found = chosen[i] = 1;
            }
        }
        if (!found) {
            fprintf(stderr, "bnn-bench: no case is named like %s: --list prints all names\n", options->only[o]);
            return 0;
        }
    }
    for (size_t i = 0; i < case_count; i++) {
        if (options->only_count == 0 || chosen[i]) {
            cases[kept++] = cases[i];
        }
    }
    case_count = kept;
    return 1;
}

/* The best instruction set of this cpu. */
static const char *best_isa(void)
{
    const char *best = "", *name;
    for (size_t i = 0; (name = bnn_isa(i)) != NULL; i++) {
        best = name;
    }
    return best;
}

static const char *isa_of(const struct options *options)
{
    return options->isa != NULL ? options->isa : best_isa();
}

static void print_list(void)
{
    char shape[BENCH_MAX_TEXT];
    const char *name;
    for (size_t i = 0; i < case_count; i++) {
        bench_shape(shape, &cases[i]);
        printf("case %-28s %s\n", cases[i].name, shape);
    }
    for (size_t i = 0; (name = bnn_isa(i)) != NULL; i++) {
        printf("isa  %s\n", name);
    }
}

/* How near a case came to the bound. */
static double percent_of_bound(const struct result *result)
{
    return 100 * result->bound * result->units / result->times.min;
}

static void print_json(const struct result *results, const struct options *options)
{
    char shape[BENCH_MAX_TEXT];
    for (size_t i = 0; i < case_count; i++) {
        bench_shape(shape, &cases[i]);
        printf("%s{\"name\": \"%s\", \"isa\": \"%s\", \"shape\": \"%s\", \"units\": %.15g", i == 0 ? "[" : ",\n ",
               cases[i].name, isa_of(options), shape, results[i].units);
        if (!options->mark && options->write == NULL) {
            const struct bench_times *t = &results[i].times;
            printf(", \"repeat\": %lu, \"min_ns\": %.0f, \"median_ns\": %.0f, \"ns_per_unit\": %.5g", options->repeat, t->min,
                   t->median, t->min / results[i].units);
            if (options->mhz > 0) {
                printf(", \"cycles_per_unit\": %.5g", t->min / results[i].units * options->mhz * 1e-3);
            }
            if (results[i].bound > 0) {
                printf(", \"bound_ns_per_unit\": %.5g, \"percent_of_bound\": %.3g", results[i].bound,
                       percent_of_bound(&results[i]));
            }
        }
        printf("}");
    }
    printf("]\n");
}

/* As daBNN's benchmark prints its own, where its cases were run. */
static void print_dabnn(const struct result *results, const struct options *options)
{
    static const char line[] = "----------------------------------------------------------";
    int any = 0;
    for (size_t d = 0; d < sizeof dabnn / sizeof dabnn[0]; d++) {
        for (size_t i = 0; i < case_count; i++) {
            if (strcmp(cases[i].name, dabnn[d].ours) == 0) {
                if (!any) {
                    printf("%s\n%-28s %14s %14s\n%s\n", line, "Benchmark", "Time", "Iterations", line);
                }
                any = 1;
                printf("%-28s %11.0f ns %14lu\n", dabnn[d].name, results[i].times.median, options->repeat);
            }
        }
    }
    if (any) {
        printf("\n");
    }
}

static void print_table(const struct result *results, const struct options *options)
{
    char shape[BENCH_MAX_TEXT];
    const int cycles = options->mhz > 0;
    const int bound = bench_bound(isa_of(options)) > 0;
    printf("isa %s, %lu runs; per unit: of the fastest run", isa_of(options), options->repeat);
    if (cycles) {
        printf(", cycles at %.0f MHz", options->mhz);
    }
    printf("\n%-28s %12s %12s %10s %8s %s%s shape\n", "", "min ns", "median ns", "units", "ns/unit",
           cycles ? "cycles/unit " : "", bound ? "% bound " : "");
    for (size_t i = 0; i < case_count; i++) {
        const double ns = results[i].times.min / results[i].units;
        printf("%-28s %12.0f %12.0f %10.0f %8.3f", cases[i].name, results[i].times.min, results[i].times.median,
               results[i].units, ns);
        if (cycles) {
            printf(" %11.3f", ns * options->mhz * 1e-3);
        }
        if (bound) {
            printf(results[i].bound > 0 ? " %8.0f" : "         ", percent_of_bound(&results[i]));
        }
        bench_shape(shape, &cases[i]);
        printf("  %s\n", shape);
    }
}

/* What the bound is on a quiet machine: the least of all that were measured between the cases. */
static void note_bound(struct result *results, double bound)
{
    static double least;
    least = least == 0 || bound < least ? bound : least;
    for (size_t i = 0; i < case_count; i++) {
        results[i].bound = cases[i].layer.kind == BENCH_BINARY && !bench_is_packer(&cases[i]) ? least : 0;
    }
}

static int run_all(const struct options *options)
{
    static struct result results[BENCH_MAX_CASES];
    for (size_t i = 0; i < case_count; i++) {
        results[i].units = bench_units(&cases[i]);
        if (bench_measure(&cases[i], options->isa, options->mark ? 0 : options->repeat, &results[i].times) != 0) {
            return EXIT_ERROR;
        }
        if (!options->mark) {
            note_bound(results, bench_bound(isa_of(options)));
        }
    }
    if (options->json || options->mark) {
        print_json(results, options);
    } else {
        print_dabnn(results, options);
        print_table(results, options);
    }
    return EXIT_SUCCESS;
}

/* One model into options->write; packers have none. */
static int write_model(const struct bench_case *test, const struct options *options)
{
    char path[4096];
    size_t size = 0;
    if (bench_is_packer(test)) {
        return 1;
    }
    uint8_t *model = bench_model(&test->layer, &size);
    const int length = snprintf(path, sizeof path, "%s/%s.dab", options->write, test->name);
    FILE *file = model != NULL && length < (int)sizeof path ? fopen(path, "wb") : NULL;
    int ok = file != NULL && fwrite(model, 1, size, file) == size;
    if (file != NULL) {
        ok &= fclose(file) == 0;
    }
    free(model);
    return ok;
}

static int write_all(const struct options *options)
{
    static struct result results[BENCH_MAX_CASES];
    for (size_t i = 0; i < case_count; i++) {
        results[i].units = bench_units(&cases[i]);
        if (!write_model(&cases[i], options)) {
            fprintf(stderr, "bnn-bench: cannot write the model of %s into %s\n", cases[i].name, options->write);
            return EXIT_ERROR;
        }
    }
    print_json(results, options);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct options options;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        }
    }
    if (!parse(argc, argv, &options)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (options.mark && !bench_has_marks) {
        fprintf(stderr, "bnn-bench: --mark: no instruction counter knows this machine\n");
        return EXIT_ERROR;
    }
    if (case_count == 0) {
        case_count = bench_cases(cases);
    }
    if (!select_cases(&options)) {
        return EXIT_ERROR;
    }
    if (options.list) {
        print_list();
        return EXIT_SUCCESS;
    }
    if (options.write != NULL) {
        return write_all(&options);
    }
    if (options.mhz <= 0) {
        options.mhz = bench_counter_mhz();
    }
    return run_all(&options);
}

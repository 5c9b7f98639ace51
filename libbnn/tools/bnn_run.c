/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bnn-run: runs a .dab model on a file of raw inputs. `bnn-run --help` says how. C11 and its standard library only, so that
 * it builds for every target.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bnn/bnn.h"
#include "marks.h"
#include "pool.h"
#include "times.h"

enum { EXIT_ERROR = 1, EXIT_USAGE = 2, MOST_THREADS = 256 };

static const char usage[] =
    "usage: bnn-run MODEL.dab IN.bin OUT.bin [--isa NAME] [--threads N] [--repeat N] [--profile | --mark]\n"
    "\n"
    "Runs the model on every sample of IN.bin and writes the outputs to OUT.bin. Both files are raw little-endian numbers\n"
    "(float32) in the source model's axis order; a sample is all model inputs (outputs) one after the other.\n"
    "\n"
    "  --isa NAME   instruction-set variant to use at most; the default is $BNN_ISA, otherwise the best this cpu has\n"
    "  --threads N  work with so many threads (default 1); the outputs are the same\n"
    "  --repeat N   run every sample N times (default 1)\n"
    "  --profile    print of every step: best time, multiply-adds, their rate as a share of what the cpu can do, bytes\n"
    "  --mark       put every step between the hint instructions that an instruction counter looks for (ARM only)\n"
    "  --help       print this\n";

struct options {
    const char *model, *in, *out, *isa;
    unsigned long repeat, threads;
    int profile, mark;
};

struct file {
    uint8_t *bytes; /* aligned to BNN_ALIGNMENT, owned */
    size_t size;
};

static const char *error_place(bnn_place place)
{
    static const char *const names[] = {
        "", "header", "tensor", "op", "operands of op", "attributes of op", "input/output", "string of row", "data of tensor"};
    return (size_t)place < sizeof names / sizeof names[0] ? names[place] : "";
}

static int fail(const char *file, const char *what)
{
    fprintf(stderr, "bnn-run: %s: %s\n", file, what);
    return EXIT_ERROR;
}

/* What to do about an error of the file. */
static const char *remedy(bnn_status status)
{
    switch (status) {
    case BNN_ERR_MAGIC: return "; give a file that the converter wrote";
    case BNN_ERR_VERSION: return "; build bnn-run from the converter's version";
    case BNN_ERR_TRUNCATED:
    case BNN_ERR_FORMAT:
    case BNN_ERR_CHECKSUM: return "; copy or convert the model again";
    default: return "";
    }
}

static int fail_bnn(const char *file, const bnn_error *error)
{
    fprintf(stderr, "bnn-run: %s: %s", file, bnn_strerror(error->status));
    if (error->place == BNN_PLACE_HEADER) {
        fprintf(stderr, ": %s: %s", error_place(error->place), error->what);
    } else if (error->place != BNN_PLACE_NONE) {
        fprintf(stderr, ": %s %lu: %s", error_place(error->place), (unsigned long)error->index, error->what);
    }
    fprintf(stderr, "%s\n", remedy(error->status));
    return EXIT_ERROR;
}

static int fail_isa(const char *isa)
{
    fprintf(stderr, "bnn-run: --isa %s: %s; choose one of:", isa == NULL ? "" : isa, bnn_strerror(BNN_ERR_ISA));
    for (size_t i = 0; bnn_isa(i) != NULL; i++) {
        fprintf(stderr, " %s", bnn_isa(i));
    }
    fprintf(stderr, "\n");
    return EXIT_ERROR;
}

static int fail_usage(const char *what)
{
    fprintf(stderr, "bnn-run: %s\n%s", what, usage);
    return EXIT_USAGE;
}

/* Memory aligned for the library, at least one byte; NULL if there is none. */
static void *allocate(size_t bytes)
{
    if (bytes > SIZE_MAX - BNN_ALIGNMENT) {
        return NULL;
    }
    return aligned_alloc(BNN_ALIGNMENT, (bytes / BNN_ALIGNMENT + 1) * BNN_ALIGNMENT);
}

static int read_file(const char *path, struct file *file)
{
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        return fail(path, strerror(errno));
    }
    /* Grows by doubling: works for pipes too. */
    size_t room = 1 << 16, size = 0;
    uint8_t *bytes = allocate(room);
    while (bytes != NULL) {
        size += fread(bytes + size, 1, room - size, stream);
        if (size < room) {
            break;
        }
        uint8_t *larger = room > SIZE_MAX / 2 ? NULL : allocate(2 * room);
        if (larger != NULL) {
            memcpy(larger, bytes, size);
        }
        free(bytes);
        bytes = larger;
        room *= 2;
    }
    const int bad = ferror(stream);
    fclose(stream);
    if (bytes == NULL || bad) {
        free(bytes);
        return fail(path, bytes == NULL ? "too large for this machine's memory" : "cannot be read");
    }
    *file = (struct file){bytes, size};
    return EXIT_SUCCESS;
}

/* The value of an option, taken from the arguments; NULL if there is none. */
static const char *value_of(int argc, char **argv, int *i)
{
    return *i + 1 < argc ? argv[++*i] : NULL;
}

/* A number of at least 1; 0 if the text, which may be NULL, is none. */
static unsigned long number(const char *text)
{
    char *end = NULL;
    const unsigned long value = text == NULL || text[0] < '0' || text[0] > '9' ? 0 : strtoul(text, &end, 10);
    return end != NULL && *end == '\0' ? value : 0;
}

static int parse(int argc, char **argv, struct options *options)
{
    const char *paths[3] = {NULL, NULL, NULL};
    int count = 0;
    const char *isa = getenv("BNN_ISA");
    *options = (struct options){.repeat = 1, .threads = 1, .isa = isa != NULL && isa[0] != '\0' ? isa : NULL};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--profile") == 0) {
            options->profile = 1;
        } else if (strcmp(argv[i], "--mark") == 0) {
            options->mark = 1;
        } else if (strcmp(argv[i], "--isa") == 0) {
            options->isa = value_of(argc, argv, &i);
            if (options->isa == NULL) {
                return fail_usage("--isa wants a name");
            }
        } else if (strcmp(argv[i], "--repeat") == 0) {
            options->repeat = number(value_of(argc, argv, &i));
            if (options->repeat == 0) {
                return fail_usage("--repeat wants a number, at least 1");
            }
        } else if (strcmp(argv[i], "--threads") == 0) {
            options->threads = number(value_of(argc, argv, &i));
            if (options->threads == 0 || options->threads > MOST_THREADS) {
                return fail_usage("--threads wants a number, 1 to 256");
            }
        } else if (strncmp(argv[i], "--", 2) == 0) {
            return fail_usage("unknown option");
        } else if (count == 3) {
            return fail_usage("three files are wanted, more were given");
        } else {
            paths[count++] = argv[i];
        }
    }
    if (options->mark && (options->profile || !HAS_MARKS)) {
        return fail_usage("--mark counts instructions: on ARM, and without --profile");
    }
    if (count != 3) {
        return fail_usage("three files are wanted: model, input, output");
    }
    options->model = paths[0];
    options->in = paths[1];
    options->out = paths[2];
    if (strcmp(options->out, options->model) == 0 || strcmp(options->out, options->in) == 0) {
        return fail_usage("the output would replace a file that is read");
    }
    return EXIT_SUCCESS;
}

static void mark_step(void *context, uint32_t step, int end)
{
    (void)context;
    (void)step;
    if (end) {
        MARK_END();
    } else {
        MARK_BEGIN();
    }
}

static int has_nan(const bnn_tensor *tensor, const uint8_t *bytes)
{
    for (size_t i = 0; tensor->type == BNN_TYPE_F32 && i < tensor->bytes; i += sizeof(float)) {
        float value;
        memcpy(&value, bytes + i, sizeof value);
        if (value != value) {
            return 1;
        }
    }
    return 0;
}

/* Bytes of a sample: all inputs, or all outputs. */
static size_t sample_bytes(const bnn_model *model, uint32_t count,
                           bnn_status (*describe)(const bnn_model *, uint32_t, bnn_tensor *))
{
    size_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        bnn_tensor tensor;
        sum += describe(model, i, &tensor) == BNN_OK ? tensor.bytes : 0;
    }
    return sum;
}

static int set_inputs(bnn_plan *plan, const bnn_model *model, const uint8_t *sample)
{
    for (uint32_t i = 0; i < model->input_count; i++) {
        bnn_tensor tensor;
        if (bnn_model_input(model, i, &tensor) != BNN_OK || has_nan(&tensor, sample)) {
            return EXIT_ERROR;
        }
        memcpy(bnn_plan_input(plan, i), sample, tensor.bytes);
        sample += tensor.bytes;
    }
    return EXIT_SUCCESS;
}

static int write_outputs(FILE *out, const bnn_plan *plan, const bnn_model *model)
{
    for (uint32_t i = 0; i < model->output_count; i++) {
        bnn_tensor tensor;
        if (bnn_model_output(model, i, &tensor) != BNN_OK ||
            fwrite(bnn_plan_output(plan, i), 1, tensor.bytes, out) != tensor.bytes) {
            return EXIT_ERROR;
        }
    }
    return EXIT_SUCCESS;
}

static int run_samples(const struct options *options, bnn_plan *plan, const bnn_model *model, const struct file *in, FILE *out,
                       const char *out_path)
{
    const size_t size = sample_bytes(model, model->input_count, bnn_model_input);
    for (size_t at = 0; at < in->size; at += size) {
        for (unsigned long r = 0; r < options->repeat; r++) {
            /* A run may overwrite its inputs. */
            if (set_inputs(plan, model, in->bytes + at) != EXIT_SUCCESS) {
                char what[96];
                snprintf(what, sizeof what, "sample %lu holds a NaN; the network has no answer to that",
                         (unsigned long)(at / size));
                return fail(options->in, what);
            }
            bnn_run(plan);
        }
        if (write_outputs(out, plan, model) != EXIT_SUCCESS) {
            return fail(out_path, strerror(errno));
        }
    }
    return EXIT_SUCCESS;
}

/* Writes to PATH.part and renames it when all is well, so that no partial output is left; a device is written to directly. */
static int run_to_file(const struct options *options, bnn_plan *plan, const bnn_model *model, const struct file *in)
{
    const char *suffix = strncmp(options->out, "/dev/", 5) == 0 ? "" : ".part";
    const size_t size = strlen(options->out) + strlen(suffix) + 1;
    char *part = malloc(size);
    if (part == NULL) {
        return fail(options->out, "out of memory");
    }
    snprintf(part, size, "%s%s", options->out, suffix);
    FILE *out = fopen(part, "wb");
    int result = out == NULL ? fail(part, strerror(errno)) : run_samples(options, plan, model, in, out, part);
    if (out != NULL) {
        if (fclose(out) != 0 && result == EXIT_SUCCESS) {
            result = fail(part, strerror(errno));
        }
        if (*suffix != '\0' && result == EXIT_SUCCESS && rename(part, options->out) != 0) {
            result = fail(options->out, strerror(errno));
        }
        if (*suffix != '\0' && result != EXIT_SUCCESS) {
            remove(part);
        }
    }
    free(part);
    return result;
}

static int run_plan(const struct options *options, const bnn_model *model, const struct file *in)
{
    bnn_times times = {0};
    bnn_options plan_options = {.isa = options->isa};
    bnn_error error;
    bnn_plan *plan = NULL;
    size_t bytes = 0;
    if (options->profile) {
        times.best = malloc(model->op_count * sizeof times.best[0]);
        if (times.best == NULL) {
            return fail(options->model, "out of memory");
        }
        for (uint32_t i = 0; i < model->op_count; i++) {
            times.best[i] = -1;
        }
        plan_options.profile = bnn_times_note;
        plan_options.profile_context = &times;
    } else if (options->mark) {
        plan_options.profile = mark_step;
    }
    bnn_pool *pool = NULL;
    void *arena = NULL;
    int result = EXIT_SUCCESS;
    if (options->threads > 1) {
        pool = bnn_pool_new((uint32_t)options->threads);
        plan_options.parallel = bnn_pool_run;
        plan_options.parallel_context = pool;
        plan_options.workers = (uint32_t)options->threads;
    }
    if (options->threads > 1 && pool == NULL) {
        result = fail(options->model, "the system gives no more threads; ask for fewer with --threads");
    } else if (bnn_plan_size(model, &plan_options, &bytes, &error) != BNN_OK) {
        result = error.status == BNN_ERR_ISA ? fail_isa(options->isa) : fail_bnn(options->model, &error);
    } else if ((arena = allocate(bytes)) == NULL) {
        result = fail(options->model, "its arena does not fit into this machine's memory");
    } else if (bnn_plan_init(&plan, model, &plan_options, arena, bytes, &error) != BNN_OK) {
        result = fail_bnn(options->model, &error);
    } else {
        result = run_to_file(options, plan, model, in);
    }
    if (result == EXIT_SUCCESS && options->profile) {
        bnn_times_print(&times, plan, options->isa, (uint32_t)options->threads);
    }
    bnn_pool_free(pool);
    free(arena);
    free(times.best);
    return result;
}

static int check_size(const struct options *options, const bnn_model *model, const struct file *in)
{
    const size_t size = sample_bytes(model, model->input_count, bnn_model_input);
    if (in->size != 0 && in->size % size == 0) {
        return EXIT_SUCCESS;
    }
    char what[128];
    snprintf(what, sizeof what, "has %lu bytes; the model wants a multiple of %lu, %lu per sample", (unsigned long)in->size,
             (unsigned long)size, (unsigned long)size);
    return fail(options->in, what);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        }
    }
    struct options options;
    int result = parse(argc, argv, &options);
    if (result != EXIT_SUCCESS) {
        return result;
    }
    struct file dab = {0}, in = {0};
    bnn_model model;
    bnn_error error;
    result = read_file(options.model, &dab);
    if (result == EXIT_SUCCESS && bnn_model_init(&model, dab.bytes, dab.size, &error) != BNN_OK) {
        result = fail_bnn(options.model, &error);
    }
    if (result == EXIT_SUCCESS && bnn_model_verify(&model) != BNN_OK) {
        error = (bnn_error){.status = BNN_ERR_CHECKSUM};
        result = fail_bnn(options.model, &error);
    }
    if (result == EXIT_SUCCESS) {
        result = read_file(options.in, &in);
    }
    if (result == EXIT_SUCCESS) {
        result = check_size(&options, &model, &in);
    }
    if (result == EXIT_SUCCESS) {
        result = run_plan(&options, &model, &in);
    }
    free(dab.bytes);
    free(in.bytes);
    return result;
}

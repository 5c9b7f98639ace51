/* SPDX-License-Identifier: BSD-3-Clause
 *
 * libbnn: inference of binary neural networks.
 *
 * Conventions
 *  - A function that can fail returns a bnn_status: BNN_OK (0) or a negative BNN_ERR_*. Its outputs are untouched on error.
 *  - The library never allocates. The caller owns all memory: the model bytes, the arena, every struct passed in.
 *  - Nothing in the library changes after start-up: any number of models and plans may be used from any number of threads,
 *    one thread at a time per plan. One model may serve many plans.
 *  - The library starts no threads. bnn_options.parallel lends it the application's for one run.
 *  - Pointers must be valid; NULL is allowed only where it is said so.
 *  - Sizes are in bytes unless the name says otherwise.
 *
 * Use: bnn_model_init -> bnn_plan_size -> bnn_plan_init -> fill bnn_plan_input -> bnn_run -> read bnn_plan_output.
 */
#ifndef BNN_BNN_H
#define BNN_BNN_H

#include <stddef.h>
#include <stdint.h>

#include "bnn/config.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BNN_VERSION_MAJOR 0
#define BNN_VERSION_MINOR 1
#define BNN_VERSION_PATCH 0

#if defined(__GNUC__) || defined(__clang__)
#define BNN_MUST_CHECK __attribute__((warn_unused_result))
#else
#define BNN_MUST_CHECK
#endif

/* Alignment in bytes that model bytes and arena must have. */
#define BNN_ALIGNMENT 64
#define BNN_MAX_RANK 6
#define BNN_MAX_WORKERS 1024

/* [cffi] The declarations from here to [cffi end] are also read by the Python binding: no macros, no attributes inside. */
typedef enum bnn_status {
    BNN_OK = 0,
    BNN_ERR_ARGUMENT = -1,    /* an argument breaks the function's contract (index out of range, ...) */
    BNN_ERR_ALIGNMENT = -2,   /* model bytes or arena not aligned to BNN_ALIGNMENT */
    BNN_ERR_TRUNCATED = -3,   /* fewer bytes than the file's own header and tables announce */
    BNN_ERR_MAGIC = -4,       /* not a .dab file */
    BNN_ERR_VERSION = -5,     /* a .dab version this library does not read */
    BNN_ERR_FORMAT = -6,      /* a field breaks a rule of docs/dab-format.md; see bnn_error */
    BNN_ERR_CHECKSUM = -7,    /* the content's CRC-32 is not the one stored */
    BNN_ERR_UNSUPPORTED = -8, /* valid, but needs something this build does not have */
    BNN_ERR_ARENA = -9,       /* the arena is smaller than bnn_plan_size says */
    BNN_ERR_ISA = -10,        /* no such instruction-set variant, or this cpu lacks it */
    BNN_ERR_SIZE = -11        /* an input or output has another number of bytes than was given */
} bnn_status;

/* Where in the file an error was found. */
typedef enum bnn_place {
    BNN_PLACE_NONE = 0,
    BNN_PLACE_HEADER = 1,
    BNN_PLACE_TENSOR = 2,
    BNN_PLACE_OP = 3,
    BNN_PLACE_OPERAND = 4,
    BNN_PLACE_ATTRIBUTE = 5,
    BNN_PLACE_IO = 6,
    BNN_PLACE_STRING = 7,
    BNN_PLACE_DATA = 8
} bnn_place;

/* Position and cause of an error: `place` names the table, `index` the row in it (OPERAND, ATTRIBUTE: the op; STRING: the
 * tensor or op that has the name; DATA: the tensor; of BNN_ERR_ARENA: the bytes that the arena must have), `what` is a static
 * sentence that names the field and the rule it breaks. */
typedef struct bnn_error {
    bnn_status status;
    bnn_place place;
    uint32_t index;
    const char *what;
} bnn_error;

/* Element type of a tensor (values as in the file; docs/dab-format.md, section "Types"). */
typedef enum bnn_type {
    BNN_TYPE_F32 = 1,
    BNN_TYPE_I32 = 2,
    BNN_TYPE_I8 = 3,
    BNN_TYPE_U8 = 4,
    BNN_TYPE_BITS = 5,      /* activation signs, NC1HWC2; dims are H, W, C; bit 1 is -1 */
    BNN_TYPE_W_XNOR = 6,    /* binary weights for BITS input */
    BNN_TYPE_W_SIGN = 7,    /* binary weights for F32 or I8 input */
    BNN_TYPE_W_F32 = 8,     /* float weights, blocked by 8 output channels */
    BNN_TYPE_W_S8 = 9       /* 8-bit weights for I8 input, -127..127 */
} bnn_type;

/* A tensor as the user sees it. Model inputs and outputs have the source model's shape and axis order, dense, row-major. */
typedef struct bnn_tensor {
    const char *name;
    bnn_type type;
    uint32_t rank;
    uint32_t dims[6];
    size_t bytes;
    float scale;         /* real = scale * (stored - zero_point) for I8/U8; otherwise 1 and 0 */
    int32_t zero_point;
} bnn_tensor;

/* A checked view of model bytes: read-only, a few pointers into the bytes, which must outlive it. Contents are private. */
typedef struct bnn_model {
    const uint8_t *bytes;
    uint32_t size;
    uint32_t tensor_count, op_count, operand_count, attribute_count;
    uint32_t input_count, output_count, string_size, metadata;
    uint32_t activation_bytes;
    const uint8_t *tensors, *ops, *operands, *attributes, *io, *strings;
} bnn_model;

/* An execution plan; lives at the start of the arena. */
typedef struct bnn_plan bnn_plan;

/* One executable step of a plan, for tools. */
typedef struct bnn_step_info {
    const char *kind;    /* op kind as in docs/dab-format.md, e.g. "bconv2d" */
    const char *name;    /* the source model's node names */
    uint32_t op;         /* index in the file's op table */
    uint64_t macs;       /* multiply-adds (binary or float) of one run; 0 for others */
    uint32_t weight_bytes;
    uint32_t scratch_bytes; /* of all workers */
    uint64_t activation_bytes; /* that it reads and writes */
} bnn_step_info;

/* Part `part` of a step's work, done by worker `worker`. */
typedef void bnn_task(void *argument, uint32_t part, uint32_t worker);

/* Calls task(argument, part, worker) once for every part < parts, in any order, from any threads, with worker < options.workers
 * and never twice at the same time with the same worker; returns when all calls have returned and what they wrote is visible
 * to the caller. libbnn/threads has one. */
typedef void bnn_parallel(void *context, bnn_task *task, void *argument, uint32_t parts);

/* Plan options; all zero is the default.
 * isa: name of the instruction-set variant to use at most ("c", "neon", ...); NULL: the best this cpu has.
 * profile: called before (end = 0) and after (end = 1) every step of bnn_run, in the calling thread; NULL: none.
 * parallel: runs parts of a step at the same time, called in bnn_run's thread; NULL: none. Results are the same bits, whatever
 *   it does.
 * workers: how many parts may run at the same time, at most BNN_MAX_WORKERS; each takes scratch memory. 0 and 1, or parallel
 *   NULL: one. */
typedef struct bnn_options {
    const char *isa;
    void (*profile)(void *context, uint32_t step, int end);
    void *profile_context;
    bnn_parallel *parallel;
    void *parallel_context;
    uint32_t workers;
} bnn_options;
/* [cffi end] */

/* "MAJOR.MINOR.PATCH" of the library. */
const char *bnn_version(void);

/* One sentence for a status; never NULL. */
const char *bnn_strerror(bnn_status status);

/* Checks `size` bytes of a .dab file and makes a view of them. Any bytes are safe. `bytes` must be aligned to BNN_ALIGNMENT
 * and stay unchanged while the model is used. `error` may be NULL. A model that passes can always be planned and run. */
BNN_MUST_CHECK bnn_status bnn_model_init(bnn_model *model, const void *bytes, size_t size, bnn_error *error);

/* Compares the CRC-32 of the content with the stored one: BNN_OK or BNN_ERR_CHECKSUM. */
BNN_MUST_CHECK bnn_status bnn_model_verify(const bnn_model *model);

/* Free text that the converter stored: "key=value" lines (producer, source, mode). */
const char *bnn_model_metadata(const bnn_model *model);

/* Description of input (or output) `index` < model->input_count (output_count). BNN_ERR_ARGUMENT beyond it. */
BNN_MUST_CHECK bnn_status bnn_model_input(const bnn_model *model, uint32_t index, bnn_tensor *tensor);
BNN_MUST_CHECK bnn_status bnn_model_output(const bnn_model *model, uint32_t index, bnn_tensor *tensor);

/* Bytes of arena that a plan needs: plan, prepared weights, activations and scratch. `options`, `error` may be NULL. */
BNN_MUST_CHECK bnn_status bnn_plan_size(const bnn_model *model, const bnn_options *options, size_t *bytes, bnn_error *error);

/* Makes a plan inside `arena` (aligned to BNN_ALIGNMENT, at least bnn_plan_size bytes, owned by the caller, must outlive the
 * plan). Kernels are chosen here, once. `options`, `error` may be NULL. */
BNN_MUST_CHECK bnn_status bnn_plan_init(bnn_plan **plan, const bnn_model *model, const bnn_options *options, void *arena,
                                        size_t bytes, bnn_error *error);

/* Memory of input `index`: fill it before every bnn_run (a run may overwrite it). NULL beyond the last input. Floats must
 * not be NaN. */
void *bnn_plan_input(bnn_plan *plan, uint32_t index);

/* Memory of output `index`: valid from the end of bnn_run to the start of the next. NULL beyond the last output. */
const void *bnn_plan_output(const bnn_plan *plan, uint32_t index);

/* The same with a copy, of exactly the tensor's bytes: otherwise BNN_ERR_SIZE. BNN_ERR_ARGUMENT beyond the last. */
BNN_MUST_CHECK bnn_status bnn_plan_set_input(bnn_plan *plan, uint32_t index, const void *data, size_t bytes);
BNN_MUST_CHECK bnn_status bnn_plan_get_output(const bnn_plan *plan, uint32_t index, void *data, size_t bytes);

/* Runs the network once. Cannot fail on a plan that bnn_plan_init made. */
void bnn_run(bnn_plan *plan);

/* Number of steps and description of one; BNN_ERR_ARGUMENT beyond the last. */
uint32_t bnn_plan_steps(const bnn_plan *plan);
BNN_MUST_CHECK bnn_status bnn_plan_step(const bnn_plan *plan, uint32_t index, bnn_step_info *info);

/* Memory of a tensor of the file's tensor table during and after a run, for tools that compare intermediate values (a later
 * tensor may reuse the memory). NULL beyond the last. */
const void *bnn_plan_tensor(const bnn_plan *plan, uint32_t tensor);

/* Names of the instruction-set variants this cpu can run, best last: a plan takes the last one, unless it is told otherwise.
 * NULL beyond it. The first is "c". */
const char *bnn_isa(size_t index);

#ifdef __cplusplus
}
#endif
#endif

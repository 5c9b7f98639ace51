/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an op is. An op sees its tensors and attributes as views, never the file, and calls kernels, which never see it.
 *
 *   check  at load: the rules of the kind's row in docs/dab-format.md, section 5, on shapes, types and attributes. What it
 *          accepts, bind and run can handle whatever the tensors hold.
 *   bind   at plan time, twice: first to count memory (bnn_take returns NULL), then to fill it. It resolves pointers and
 *          prepares tables, so that run only computes.
 *   run    one execution. State is what bind returned and is not written to; scratch is shared by all ops.
 */
#ifndef BNN_OPS_H
#define BNN_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "bnn/bnn.h"
#include "format.h"
#include "kernels.h"
#include "used.h"

#define BNN_MAX_INPUTS 64
#define BNN_MAX_OUTPUTS BNN_MAX_STEPS

/* A tensor as an op sees it. */
struct bnn_view {
    uint32_t index; /* in the tensor table, for errors */
    bnn_type type;
    int constant;
    int infinite; /* an F32 constant that holds an infinity; known to check only */
    uint32_t rank;
    uint32_t dims[BNN_MAX_RANK];
    uint32_t bytes;
    const uint8_t *data; /* activations: NULL before the second bind */
    uint8_t *memory;     /* data of an activation; NULL for constants */
};

struct bnn_op;

typedef bnn_status bnn_op_check_fn(const struct bnn_op *op, bnn_error *error);
typedef const void *bnn_op_bind_fn(const struct bnn_op *op, struct bnn_build *build);
typedef void bnn_op_run_fn(const void *state, uint8_t *scratch);

/* The code of an op kind; ops/<file>.c defines one per row of ops.def. */
struct bnn_op_code {
    bnn_op_check_fn *check;
    bnn_op_bind_fn *bind;
    bnn_op_run_fn *run;
};

/* Checks are not compiled in where models are trusted. */
#define BNN_CHECK(check) (BNN_CONFIG_CHECKS ? (check) : NULL)

struct bnn_op_kind {
    const char *name;
    uint16_t kind;
    uint8_t words;
    uint8_t fewest_inputs, most_inputs;
    uint8_t steps;
    const struct bnn_op_code *code;
};

/* An op of a model. Everything behind `source` is for the view functions below. */
struct bnn_op {
    const struct bnn_op_kind *kind;
    uint32_t index;
    uint32_t inputs, outputs;
    struct {
        const bnn_model *model;
        struct bnn_dab_op record;
        const struct bnn_tensor_set *infinite; /* NULL after the checks */
        uint8_t *activations;                /* NULL before the second bind */
    } source;
};

#define BNN_OP(kind, name, words, fewest, most, steps) extern const struct bnn_op_code bnn_op_##name;
#include "ops.def"
#undef BNN_OP

/* Row of ops.def, or NULL: also if the op is not compiled in. */
const struct bnn_op_kind *bnn_op_kind(uint32_t kind);

struct bnn_op bnn_op_of(const bnn_model *model, uint32_t index);
struct bnn_view bnn_op_input(const struct bnn_op *op, uint32_t i);
struct bnn_view bnn_op_output(const struct bnn_op *op, uint32_t i);

/* Attribute word i as a signed number, and as it stands. */
int32_t bnn_op_attribute(const struct bnn_op *op, uint32_t i);
uint32_t bnn_op_attribute_word(const struct bnn_op *op, uint32_t i);

/* Code of step i < BNN_MAX_STEPS of an op that has steps. */
uint32_t bnn_op_step(const struct bnn_op *op, uint32_t i);

/* BNN_OK if `rule` holds, otherwise an error at this op. */
bnn_status bnn_op_require(const struct bnn_op *op, int rule, bnn_place place, const char *what, bnn_error *error);

/* An error in the content of a constant. */
bnn_status bnn_data_error(const struct bnn_view *view, const char *what, bnn_error *error);

/* A broken rule makes a check return; `op` and `error` are the check's arguments. */
#define BNN_REQUIRE(place, rule, what)                                                                                         \
    do {                                                                                                                       \
        if (bnn_op_require(op, (rule), BNN_PLACE_##place, BNN_TEXT(what), error) != BNN_OK) {                                  \
            return error->status;                                                                                              \
        }                                                                                                                      \
    } while (0)

/* Number of elements; of BITS, of signs. */
uint64_t bnn_elements(const struct bnn_view *view);
int bnn_same_dims(const struct bnn_view *view, uint32_t rank, const uint32_t *dims);

/* Channel groups (docs/dab-format.md, 1.1): bytes of a pixel of C channels, summed over its groups; byte and bit of channel c
 * in the pixel of its group, which has group_bytes bytes; the mask of real channels of one group of 1..128. */
uint32_t bnn_group_bytes(uint32_t channels);
static inline uint32_t bnn_group_size(uint32_t channels)
{
    return channels > 64 ? 16 : 8;
}
static inline uint32_t bnn_bit_byte(uint32_t c, uint32_t group_size)
{
    return c % group_size;
}
static inline uint32_t bnn_bit_shift(uint32_t c, uint32_t group_size)
{
    return c / group_size;
}
void bnn_group_mask(uint8_t mask[16], uint32_t channels);

#endif

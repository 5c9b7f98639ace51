/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the rest of the library may ask a model: its records. Offsets and indices inside them are checked by bnn_model_init.
 */
#ifndef BNN_MODEL_H
#define BNN_MODEL_H

#include "bnn/bnn.h"
#include "format.h"
#include "used.h"

/* Fills `error` (not NULL) and returns `status`. */
bnn_status bnn_fill_error(bnn_error *error, bnn_status status, bnn_place place, uint32_t index, const char *what);
#define bnn_fail(error, status, place, index, what) bnn_fill_error(error, status, place, index, BNN_TEXT(what))

struct bnn_dab_tensor bnn_model_tensor(const bnn_model *model, uint32_t index);
struct bnn_dab_op bnn_model_op(const bnn_model *model, uint32_t index);
uint32_t bnn_model_operand(const bnn_model *model, uint32_t index);

/* Entry of the input/output table: inputs first. */
uint32_t bnn_model_io(const bnn_model *model, uint32_t index);

const char *bnn_model_string(const bnn_model *model, uint32_t offset);

/* Offset of the data part. */
uint32_t bnn_model_data(const bnn_model *model);

/* A little-endian word at any address. */
uint32_t bnn_read_word(const uint8_t *bytes);

/* A set of tensors, one bit each. */
struct bnn_tensor_set {
    uint8_t bits[BNN_DAB_MAX_TENSORS / 8];
};
static inline void bnn_tensor_set_add(struct bnn_tensor_set *set, uint32_t tensor)
{
    set->bits[tensor / 8] |= (uint8_t)(1u << tensor % 8);
}
static inline int bnn_tensor_set_has(const struct bnn_tensor_set *set, uint32_t tensor)
{
    return set->bits[tensor / 8] >> tensor % 8 & 1;
}

/* BNN_ERR_UNSUPPORTED at the first op that this build lacks, or that has a step which it lacks. `kind`: ops only, attributes need not
 * be checked yet. */
bnn_status bnn_check_op_support(uint32_t kind, uint32_t index, bnn_error *error);
bnn_status bnn_check_step_support(const bnn_model *model, bnn_error *error);

/* The parts of bnn_model_init, in its order. They read only what the parts before them have checked. `infinite` takes the
 * F32 constants that hold an infinity. */
bnn_status bnn_check_tensors(const bnn_model *model, bnn_error *error);
bnn_status bnn_check_ops(const bnn_model *model, bnn_error *error);
bnn_status bnn_check_operands(const bnn_model *model, bnn_error *error);
bnn_status bnn_check_io(const bnn_model *model, bnn_error *error);
bnn_status bnn_check_strings(const bnn_model *model, bnn_error *error);
bnn_status bnn_check_lifetimes(const bnn_model *model, bnn_error *error);
bnn_status bnn_check_overlaps(const bnn_model *model, bnn_error *error);
bnn_status bnn_check_data(const bnn_model *model, struct bnn_tensor_set *infinite, bnn_error *error);
bnn_status bnn_check_kinds(const bnn_model *model, const struct bnn_tensor_set *infinite, bnn_error *error);

/* A string offset: inside the table, at the first byte of a string. `index` is the row that holds it. */
bnn_status bnn_check_string(const bnn_model *model, uint32_t offset, uint32_t index, bnn_error *error);

/* Bytes of a tensor of this type and dims, or more than BNN_DAB_MAX_BYTES if they are too many. */
uint64_t bnn_type_bytes(uint32_t type, uint32_t rank, const uint32_t dims[6]);

#endif

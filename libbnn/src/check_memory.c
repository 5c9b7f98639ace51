/* SPDX-License-Identifier: BSD-3-Clause
 *
 * docs/dab-format.md, section 2.6: lifetimes of activations, and that no two share memory at one time.
 */
#include "model.h"

static bnn_status tensor_error(bnn_error *error, uint32_t index, const char *what)
{
    return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_TENSOR, index, what);
}

/* `first` of written tensors is checked together with their operands. */
bnn_status bnn_check_lifetimes(const bnn_model *model, bnn_error *error)
{
    for (uint32_t i = 0; i < model->op_count; i++) {
        struct bnn_dab_op op = bnn_model_op(model, i);
        for (uint32_t k = 0; k < op.inputs; k++) {
            uint32_t tensor = bnn_model_operand(model, op.operand + k);
            struct bnn_dab_tensor t = bnn_model_tensor(model, tensor);
            if (!t.constant && t.last < i) {
                return tensor_error(error, tensor, "last: an op reads the tensor later");
            }
        }
    }
    for (uint32_t i = 0; i < model->input_count + model->output_count; i++) {
        uint32_t tensor = bnn_model_io(model, i);
        struct bnn_dab_tensor t = bnn_model_tensor(model, tensor);
        if (i < model->input_count && t.first != 0) {
            return tensor_error(error, tensor, "first: must be 0 for a model input");
        }
        if (i >= model->input_count && t.last != model->op_count - 1) {
            return tensor_error(error, tensor, "last: must be the last op for a model output");
        }
    }
    return BNN_OK;
}

/* Some activations, each a rectangle of time (ops, inclusive) and memory (bytes, end exclusive), and what encloses them.
 * Comparing all pairs needs no memory that grows with the model; doing it by blocks of short arrays makes the worst case of
 * 16384 activations (134 million pairs) a matter of a tenth of a second, and the enclosing rectangle skips most blocks. */
#define BLOCK 64
struct block {
    uint32_t count;
    uint32_t first[BLOCK], last[BLOCK], begin[BLOCK], end[BLOCK], tensor[BLOCK];
    uint32_t first_of_all, last_of_all, begin_of_all, end_of_all;
};

/* Fills the block from tensor `next` on; returns the tensor after its last. */
static uint32_t fill(struct block *b, const bnn_model *model, uint32_t next)
{
    *b = (struct block){.first_of_all = UINT32_MAX, .begin_of_all = UINT32_MAX};
    for (; next < model->tensor_count && b->count < BLOCK; next++) {
        struct bnn_dab_tensor t = bnn_model_tensor(model, next);
        if (t.constant) {
            continue;
        }
        uint32_t i = b->count++, end = t.offset + t.bytes;
        b->first[i] = t.first;
        b->last[i] = t.last;
        b->begin[i] = t.offset;
        b->end[i] = end;
        b->tensor[i] = next;
        b->first_of_all = t.first < b->first_of_all ? t.first : b->first_of_all;
        b->last_of_all = t.last > b->last_of_all ? t.last : b->last_of_all;
        b->begin_of_all = t.offset < b->begin_of_all ? t.offset : b->begin_of_all;
        b->end_of_all = end > b->end_of_all ? end : b->end_of_all;
    }
    return next;
}

/* Number of the block's first `count` activations that meet tensor t. */
static uint32_t meetings(const struct block *b, uint32_t count, const struct bnn_dab_tensor *t)
{
    uint32_t first = t->first, last = t->last, begin = t->offset, end = begin + t->bytes, met = 0;
    if (first > b->last_of_all || last < b->first_of_all || begin >= b->end_of_all || end <= b->begin_of_all) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        met += (uint32_t)((first <= b->last[i]) & (last >= b->first[i]) & (begin < b->end[i]) & (end > b->begin[i]));
    }
    return met;
}

bnn_status bnn_check_overlaps(const bnn_model *model, bnn_error *error)
{
    static const char what[] = "offset: shares memory with another activation that is live at the same time";
    struct block b;
    for (uint32_t next = fill(&b, model, 0); b.count > 0; next = fill(&b, model, next)) {
        for (uint32_t i = 0; i < b.count; i++) {
            struct bnn_dab_tensor t = bnn_model_tensor(model, b.tensor[i]);
            if (meetings(&b, i, &t) > 0) {
                return tensor_error(error, b.tensor[i], what);
            }
        }
        for (uint32_t i = next; i < model->tensor_count; i++) {
            struct bnn_dab_tensor t = bnn_model_tensor(model, i);
            if (!t.constant && meetings(&b, b.count, &t) > 0) {
                return tensor_error(error, i, what);
            }
        }
    }
    return BNN_OK;
}

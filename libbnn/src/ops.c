/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of op kinds, the views that ops have of a model, and small things that several ops need.
 */
#include "ops.h"

#include "model.h"
#include "port.h"

static const struct bnn_op_kind kinds[] = {
#define BNN_OP(kind, name, words, fewest, most, steps)                                                                         \
    BNN_ONLY_IF(BNN_CONFIG_OP_##name, {#name, kind, words, fewest, most, steps, &bnn_op_##name}, )
#include "ops.def"
#undef BNN_OP
};

const struct bnn_op_kind *bnn_op_kind(uint32_t kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].kind == kind) {
            return &kinds[i];
        }
    }
    return NULL;
}

struct bnn_op bnn_op_of(const bnn_model *model, uint32_t index)
{
    struct bnn_dab_op record = bnn_model_op(model, index);
    return (struct bnn_op){
        .kind = bnn_op_kind(record.kind),
        .index = index,
        .inputs = record.inputs,
        .outputs = record.outputs,
        .source = {.model = model, .record = record},
    };
}

static struct bnn_view view_of(const struct bnn_op *op, uint32_t operand)
{
    const bnn_model *model = op->source.model;
    uint32_t index = bnn_model_operand(model, op->source.record.operand + operand);
    struct bnn_dab_tensor record = bnn_model_tensor(model, index);
    struct bnn_view view = {
        .index = index,
        .type = (bnn_type)record.type,
        .constant = record.constant,
        .rank = record.rank,
        .bytes = record.bytes,
    };
    bnn_memcpy(view.dims, record.dims, sizeof view.dims);
    if (record.constant) {
        view.data = model->bytes + record.offset;
        view.infinite = op->source.infinite != NULL && bnn_tensor_set_has(op->source.infinite, index);
    } else if (op->source.activations != NULL) {
        view.memory = op->source.activations + record.offset;
        view.data = view.memory;
    }
    return view;
}

struct bnn_view bnn_op_input(const struct bnn_op *op, uint32_t i)
{
    return view_of(op, i);
}

struct bnn_view bnn_op_output(const struct bnn_op *op, uint32_t i)
{
    return view_of(op, op->inputs + i);
}

uint32_t bnn_op_attribute_word(const struct bnn_op *op, uint32_t i)
{
    return bnn_read_word(op->source.model->attributes + ((size_t)op->source.record.attribute + i) * 4);
}

int32_t bnn_op_attribute(const struct bnn_op *op, uint32_t i)
{
    return (int32_t)bnn_op_attribute_word(op, i);
}

uint32_t bnn_op_step(const struct bnn_op *op, uint32_t i)
{
    uint32_t word = op->kind->words - BNN_STEP_WORDS + i / 4;
    return bnn_op_attribute_word(op, word) >> i % 4 * 8 & 0xff;
}

bnn_status bnn_op_require(const struct bnn_op *op, int rule, bnn_place place, const char *what, bnn_error *error)
{
    return rule ? BNN_OK : bnn_fail(error, BNN_ERR_FORMAT, place, op->index, what);
}

bnn_status bnn_data_error(const struct bnn_view *view, const char *what, bnn_error *error)
{
    return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_DATA, view->index, what);
}

uint64_t bnn_elements(const struct bnn_view *view)
{
    uint64_t product = 1;
    for (uint32_t i = 0; i < view->rank; i++) {
        product *= view->dims[i];
    }
    return product;
}

int bnn_same_dims(const struct bnn_view *view, uint32_t rank, const uint32_t *dims)
{
    return view->rank == rank && bnn_memcmp(view->dims, dims, rank * sizeof dims[0]) == 0;
}

uint32_t bnn_group_bytes(uint32_t channels)
{
    uint32_t rest = channels % 128;
    return channels / 128 * 16 + (rest == 0 ? 0 : bnn_group_size(rest));
}

void bnn_group_mask(uint8_t mask[16], uint32_t channels)
{
    uint32_t size = bnn_group_size(channels);
    bnn_memset(mask, 0, 16);
    for (uint32_t c = 0; c < channels; c++) {
        mask[bnn_bit_byte(c, size)] |= (uint8_t)(1u << bnn_bit_shift(c, size));
    }
}

static bnn_status check_kind(const struct bnn_op *op, bnn_error *error)
{
    const struct bnn_op_kind *kind = op->kind;
    BNN_REQUIRE(OP, op->inputs >= kind->fewest_inputs && (kind->steps || op->inputs <= kind->most_inputs),
                "inputs: more or fewer than this op kind has");
    BNN_REQUIRE(OP, kind->steps || op->outputs == 1, "outputs: this op kind has one");
    bnn_status status = kind->code->check(op, error);
    /* Operands of steps look at infinities themselves: some may have them. */
    uint32_t own = kind->steps ? kind->fewest_inputs : op->inputs;
    for (uint32_t i = 0; status == BNN_OK && i < own; i++) {
        struct bnn_view view = bnn_op_input(op, i);
        if (view.infinite) {
            status = bnn_data_error(&view, "floats must be finite", error);
        }
    }
    return status;
}

bnn_status bnn_check_kinds(const bnn_model *model, const struct bnn_tensor_set *infinite, bnn_error *error)
{
    bnn_status status = BNN_OK;
    for (uint32_t i = 0; status == BNN_OK && i < model->op_count; i++) {
        struct bnn_op op = bnn_op_of(model, i);
        op.source.infinite = infinite;
        status = check_kind(&op, error);
    }
    return status;
}

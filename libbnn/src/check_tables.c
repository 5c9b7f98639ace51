/* SPDX-License-Identifier: BSD-3-Clause
 *
 * docs/dab-format.md, sections 2.2 to 2.5: tensors, ops, operands, inputs and outputs, strings.
 */
#include "model.h"

#include "ops.h"
#include "port.h"

static bnn_status tensor_error(bnn_error *error, uint32_t index, const char *what)
{
    return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_TENSOR, index, what);
}

bnn_status bnn_check_string(const bnn_model *model, uint32_t offset, uint32_t index, bnn_error *error)
{
    if (offset >= model->string_size) {
        return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_STRING, index, "string offset: outside the string table");
    }
    if (offset > 0 && model->strings[offset - 1] != 0) {
        return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_STRING, index, "string offset: not the first byte of a string");
    }
    return BNN_OK;
}

/* --- 2.2 tensors --- */

/* Product that stays above BNN_DAB_MAX_BYTES once it is. */
static uint64_t times(uint64_t a, uint64_t b)
{
    const uint64_t limit = (uint64_t)1 << 31;
    return a < limit && b < limit ? a * b : limit * limit;
}

uint64_t bnn_type_bytes(uint32_t type, uint32_t rank, const uint32_t dims[6])
{
    uint64_t product = 1;
    switch (type) {
    case BNN_TYPE_F32:
    case BNN_TYPE_I32: product = 4; break;
    case BNN_TYPE_BITS: return times(times(dims[0], dims[1]), bnn_group_bytes(dims[2]));
    case BNN_TYPE_W_XNOR:
    case BNN_TYPE_W_SIGN:
        product = times(times(dims[0], (dims[1] + 7) / 8), times(dims[2], dims[3]));
        return times(product, type == BNN_TYPE_W_SIGN ? dims[4] : 8 * (uint64_t)bnn_group_bytes(dims[4]));
    case BNN_TYPE_W_F32: product = 4; break;
    case BNN_TYPE_W_S8: {
        uint64_t taps = times(times(dims[2], dims[3]), dims[4]);
        return times(times(dims[0], dims[1]), (taps + 15) / 16 * 16);
    }
    default: break; /* I8, U8 */
    }
    for (uint32_t i = 0; i < rank; i++) {
        product = times(product, dims[i]);
    }
    return product;
}

static bnn_status check_shape(const struct bnn_dab_tensor *t, uint32_t i, bnn_error *error)
{
    if (t->type < BNN_TYPE_F32 || t->type > BNN_TYPE_W_S8) {
        return tensor_error(error, i, "type: must be 1..9");
    }
    int weights = t->type >= BNN_TYPE_W_XNOR;
    if (t->constant > 1 || (weights && !t->constant)) {
        return tensor_error(error, i, "constant: must be 0 or 1, and 1 for weights");
    }
    if (t->rank < 1 || t->rank > BNN_MAX_RANK || (weights && t->rank != 5) || (t->type == BNN_TYPE_BITS && t->rank != 3)) {
        return tensor_error(error, i, "rank: must be 1..6, 3 for BITS, 5 for weights");
    }
    for (uint32_t d = 0; d < BNN_MAX_RANK; d++) {
        if (d < t->rank ? t->dims[d] < 1 || t->dims[d] > BNN_DAB_MAX_DIM : t->dims[d] != 0) {
            return tensor_error(error, i, "dims: must be 1..2^24, and 0 beyond the rank");
        }
    }
    uint64_t bytes = bnn_type_bytes(t->type, t->rank, t->dims);
    if (bytes > BNN_DAB_MAX_BYTES) {
        return tensor_error(error, i, "dims: the tensor must be smaller than 2^31 bytes");
    }
    return t->bytes == bytes ? BNN_OK : tensor_error(error, i, "bytes: not the size that type and dims give");
}

/* `data_end`: end of the constants before this one. */
static bnn_status check_place(const bnn_model *model, const struct bnn_dab_tensor *t, uint32_t i, uint32_t data_end,
                              bnn_error *error)
{
    if (!t->constant) {
        if (t->offset % BNN_ALIGNMENT != 0) {
            return tensor_error(error, i, "offset: must be a multiple of 64");
        }
        if (t->offset > model->activation_bytes || t->bytes > model->activation_bytes - t->offset) {
            return tensor_error(error, i, "offset: the activation ends beyond activation_bytes");
        }
        if (t->first > t->last || t->last >= model->op_count) {
            return tensor_error(error, i, "first, last: must be ordered and below op_count");
        }
        return BNN_OK;
    }
    if (t->offset % (t->type >= BNN_TYPE_W_XNOR ? 64 : 16) != 0) {
        return tensor_error(error, i, "offset: must be a multiple of 64 for weights, of 16 for other constants");
    }
    if (t->offset < data_end) {
        return tensor_error(error, i, "offset: the constant must lie in the data part, behind the constants before it");
    }
    if (t->offset > model->size || t->bytes > model->size - t->offset) {
        return bnn_fail(error, BNN_ERR_TRUNCATED, BNN_PLACE_TENSOR, i, "offset: the constant ends beyond the file");
    }
    return t->first == 0 && t->last == 0 ? BNN_OK : tensor_error(error, i, "first, last: must be zero for a constant");
}

bnn_status bnn_check_tensors(const bnn_model *model, bnn_error *error)
{
    static const uint8_t zero[sizeof((struct bnn_dab_tensor *)0)->reserved1];
    uint32_t data_end = bnn_model_data(model);
    for (uint32_t i = 0; i < model->tensor_count; i++) {
        struct bnn_dab_tensor t = bnn_model_tensor(model, i);
        bnn_status status = bnn_check_string(model, t.name, i, error);
        if (status == BNN_OK) {
            status = check_shape(&t, i, error);
        }
        if (status == BNN_OK) {
            status = check_place(model, &t, i, data_end, error);
        }
        if (status != BNN_OK) {
            return status;
        }
        if (t.reserved0 != 0 || bnn_memcmp(t.reserved1, zero, sizeof zero) != 0) {
            return tensor_error(error, i, "reserved: must be zero");
        }
        if (t.constant) {
            data_end = t.offset + t.bytes;
        }
    }
    return BNN_OK;
}

/* --- 2.3 ops --- */

static const char *op_rule_broken(const struct bnn_dab_op *op, uint32_t operands, uint32_t attributes)
{
    static const uint8_t zero[sizeof op->reserved];
    const struct bnn_op_kind *kind = bnn_op_kind(op->kind);
    if (op->outputs < 1 || op->outputs > BNN_MAX_OUTPUTS || op->inputs > BNN_MAX_INPUTS) {
        return "inputs, outputs: more or fewer than any op has";
    }
    if (op->operand != operands) {
        return "operand: must be the sum of the operands of all ops before";
    }
    if (op->attribute != attributes) {
        return "attribute: must be the sum of the attribute words of all ops before";
    }
    if (op->attributes != kind->words) {
        return "attributes: not the number of words of this op kind";
    }
    return bnn_memcmp(op->reserved, zero, sizeof zero) != 0 ? "reserved: must be zero" : NULL;
}

bnn_status bnn_check_ops(const bnn_model *model, bnn_error *error)
{
    uint32_t operands = 0, attributes = 0;
    for (uint32_t i = 0; i < model->op_count; i++) {
        struct bnn_dab_op op = bnn_model_op(model, i);
        bnn_status status = bnn_check_op_support(op.kind, i, error);
        if (status != BNN_OK) {
            return status;
        }
        const char *what = op_rule_broken(&op, operands, attributes);
        if (what != NULL) {
            return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_OP, i, what);
        }
        status = bnn_check_string(model, op.name, i, error);
        if (status != BNN_OK) {
            return status;
        }
        operands += (uint32_t)op.inputs + op.outputs;
        attributes += op.attributes;
    }
    if (operands != model->operand_count || attributes != model->attribute_count) {
        return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_HEADER, 0,
                        "operand_count, attribute_count: must be the sums over all ops");
    }
    return BNN_OK;
}

/* --- 2.4 operands, inputs and outputs --- */

/* Whether op `op` writes the tensor. */
static int writes(const bnn_model *model, uint32_t op, uint32_t tensor)
{
    struct bnn_dab_op record = bnn_model_op(model, op);
    for (uint32_t i = 0; i < record.outputs; i++) {
        if (bnn_model_operand(model, record.operand + record.inputs + i) == tensor) {
            return 1;
        }
    }
    return 0;
}

/* An activation's `first` names the op that writes it (2.6): that is how the writer is found without a table. */
static int written_before(const bnn_model *model, uint32_t tensor, uint32_t end)
{
    uint32_t first = bnn_model_tensor(model, tensor).first;
    return first < end && writes(model, first, tensor);
}

/* Operands of one op, while they are checked. */
struct operands {
    const bnn_model *model;
    uint32_t index;
    struct bnn_dab_op op;
    const struct bnn_tensor_set *model_inputs;
};

static bnn_status check_input(const struct operands *o, uint32_t tensor, bnn_error *error)
{
    if (tensor < o->model->tensor_count &&
        (bnn_tensor_set_has(o->model_inputs, tensor) || bnn_model_tensor(o->model, tensor).constant ||
         written_before(o->model, tensor, o->index))) {
        return BNN_OK;
    }
    return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_OPERAND, o->index,
                    "input: must be a constant, a model input or the output of an earlier op");
}

static const char *output_rule_broken(const struct operands *o, uint32_t position, uint32_t tensor)
{
    if (tensor >= o->model->tensor_count || bnn_model_tensor(o->model, tensor).constant) {
        return "output: must be an activation";
    }
    if (bnn_tensor_set_has(o->model_inputs, tensor)) {
        return "output: must not be a model input";
    }
    for (uint32_t i = o->op.inputs; i < position; i++) {
        if (bnn_model_operand(o->model, o->op.operand + i) == tensor) {
            return "output: listed twice";
        }
    }
    return NULL;
}

static bnn_status check_output(const struct operands *o, uint32_t position, uint32_t tensor, bnn_error *error)
{
    const char *what = output_rule_broken(o, position, tensor);
    uint32_t first = what == NULL ? bnn_model_tensor(o->model, tensor).first : o->index;
    if (first != o->index) {
        if (!writes(o->model, first, tensor)) {
            return tensor_error(error, tensor, "first: must be the op that writes the tensor");
        }
        what = "output: another op writes it too";
    }
    return what == NULL ? BNN_OK : bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_OPERAND, o->index, what);
}

bnn_status bnn_check_operands(const bnn_model *model, bnn_error *error)
{
    struct bnn_tensor_set inputs = {{0}};
    for (uint32_t i = 0; i < model->input_count; i++) {
        uint32_t tensor = bnn_model_io(model, i);
        if (tensor < model->tensor_count) { /* others are bnn_check_io's to report */
            bnn_tensor_set_add(&inputs, tensor);
        }
    }
    struct operands o = {.model = model, .model_inputs = &inputs};
    for (o.index = 0; o.index < model->op_count; o.index++) {
        o.op = bnn_model_op(model, o.index);
        for (uint32_t k = 0; k < (uint32_t)o.op.inputs + o.op.outputs; k++) {
            uint32_t tensor = bnn_model_operand(model, o.op.operand + k);
            bnn_status status = k < o.op.inputs ? check_input(&o, tensor, error) : check_output(&o, k, tensor, error);
            if (status != BNN_OK) {
                return status;
            }
        }
    }
    return BNN_OK;
}

static const char *io_rule_broken(const bnn_model *model, uint32_t index)
{
    uint32_t tensor = bnn_model_io(model, index);
    if (tensor >= model->tensor_count) {
        return "tensor: there is no such tensor";
    }
    struct bnn_dab_tensor t = bnn_model_tensor(model, tensor);
    if (t.constant || t.type > BNN_TYPE_U8) {
        return "tensor: must be an activation of type F32, I32, I8 or U8";
    }
    if (index >= model->input_count) {
        return written_before(model, tensor, model->op_count) ? NULL : "output: no op writes it";
    }
    for (uint32_t i = 0; i < index; i++) {
        if (bnn_model_io(model, i) == tensor) {
            return "input: listed twice";
        }
    }
    return NULL;
}

bnn_status bnn_check_io(const bnn_model *model, bnn_error *error)
{
    for (uint32_t i = 0; i < model->input_count + model->output_count; i++) {
        const char *what = io_rule_broken(model, i);
        if (what != NULL) {
            return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_IO, i, what);
        }
    }
    return BNN_OK;
}

/* --- 2.5 strings --- */

/* Bytes of the UTF-8 character at s (n > 0 bytes are left), 0 if it is not one: no overlong forms, no surrogates. */
static uint32_t utf8_character(const uint8_t *s, uint32_t n)
{
    static const struct {
        uint8_t mask, lead, length;
        uint32_t lowest;
    } forms[] = {{0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        if ((s[0] & forms[f].mask) != forms[f].lead) {
            continue;
        }
        uint32_t code = s[0] & (uint8_t)~forms[f].mask;
        for (uint32_t i = 1; i < forms[f].length; i++) {
            if (i >= n || (s[i] & 0xc0) != 0x80) {
                return 0;
            }
            code = code << 6 | (s[i] & 0x3f);
        }
        int valid = code >= forms[f].lowest && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        return valid ? forms[f].length : 0;
    }
    return 0;
}

bnn_status bnn_check_strings(const bnn_model *model, bnn_error *error)
{
    uint32_t size = model->string_size;
    if (model->strings[0] != 0 || model->strings[size - 1] != 0) {
        return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_STRING, 0, "the string table must begin and end with a zero byte");
    }
    for (uint32_t i = 0, length; i < size; i += length) {
        length = utf8_character(model->strings + i, size - i);
        if (length == 0) {
            return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_STRING, 0, "the string table is not UTF-8");
        }
    }
    return BNN_OK;
}

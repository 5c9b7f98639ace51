/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The loader's walk over its tables: whatever their bytes are, nothing outside of them is read and nothing overflows. Each proof
 * is one part, for all tables of the sizes below, under what the parts before it have checked.
 */
#include "any.h"

#include "check_memory.c"
#include "error.c"
#define tensor_error tensor_error_of_tables /* two files have one */
#include "check_tables.c"
#include "model.c"

void *malloc(size_t size); /* CBMC has one */

enum { TENSORS = 2, OPS = 2, OPERANDS = 3, IO = 1, STRINGS = 5 }; /* the most of each */

/* Any op kind: its number of attribute words is all that the tables' rules ask for. */
const struct bnn_op_kind *bnn_op_kind(uint32_t kind)
{
    static struct bnn_op_kind any_kind;
    any_kind.words = (uint8_t)(kind & 7);
    return &any_kind;
}

bnn_status bnn_check_op_support(uint32_t kind, uint32_t index, bnn_error *error)
{
    return kind != 0 ? BNN_OK : bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_OP, index, "kind");
}

/* Any number that sizes.c has proved possible. */
uint32_t bnn_group_bytes(uint32_t channels)
{
    const uint32_t bytes = any(22) * 8;
    ASSUME(bytes >= (channels + 7) / 8 && bytes < (channels + 7) / 8 + 16);
    return bytes;
}

/* 1 to `most`. */
static uint32_t some(uint32_t most)
{
    const uint32_t n = any(3);
    ASSUME(n >= 1 && n <= most);
    return n;
}

/* A model with these tables, each an array that ends where the table does, so that every access behind a table is seen. */
#define ANY_MODEL(model)                                                                                                       \
    struct bnn_dab_tensor tensors[TENSORS];                                                                                    \
    struct bnn_dab_op ops[OPS];                                                                                                \
    uint32_t operands[OPERANDS], io[2 * IO];                                                                                   \
    uint8_t strings[STRINGS];                                                                                                  \
    bnn_error error;                                                                                                           \
    bnn_model model = {                                                                                                        \
        .tensor_count = some(TENSORS),                                                                                         \
        .op_count = some(OPS),                                                                                                 \
        .operand_count = some(OPERANDS),                                                                                       \
        .attribute_count = any(4),                                                                                             \
        .input_count = some(IO),                                                                                               \
        .output_count = some(IO),                                                                                              \
        .string_size = some(STRINGS),                                                                                          \
        .size = any(31),                                                                                                       \
        .activation_bytes = any(25) << 6,                                                                                      \
    };                                                                                                                         \
    model.tensors = (const uint8_t *)(tensors + (TENSORS - model.tensor_count));                                               \
    model.ops = (const uint8_t *)(ops + (OPS - model.op_count));                                                               \
    model.operands = (const uint8_t *)(operands + (OPERANDS - model.operand_count));                                           \
    model.io = (const uint8_t *)(io + (2 * IO - model.input_count - model.output_count));                                      \
    model.strings = strings + (STRINGS - model.string_size);                                                                   \
    model.bytes = model.strings

/* An index below a number. */
static uint32_t below(uint32_t number)
{
    const uint32_t i = any(2);
    ASSUME(i < number);
    return i;
}

/* What the checks before have found of all records. */
static void assume_tensors(const bnn_model *m)
{
    for (uint32_t i = 0; i < m->tensor_count; i++) {
        const struct bnn_dab_tensor t = bnn_model_tensor(m, i);
        ASSUME((uint64_t)t.offset + t.bytes <= (t.constant ? m->size : m->activation_bytes));
        ASSUME(t.constant || (t.first <= t.last && t.last < m->op_count));
    }
}

static void assume_ops(const bnn_model *m)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < m->op_count; i++) {
        const struct bnn_dab_op op = bnn_model_op(m, i);
        ASSUME(op.operand == sum);
        sum += (uint32_t)op.inputs + op.outputs;
    }
    ASSUME(sum == m->operand_count);
}

static void assume_operands(const bnn_model *m)
{
    for (uint32_t i = 0; i < m->operand_count; i++) {
        ASSUME(bnn_model_operand(m, i) < m->tensor_count);
    }
}

static void assume_io(const bnn_model *m)
{
    for (uint32_t i = 0; i < m->input_count + m->output_count; i++) {
        ASSUME(bnn_model_io(m, i) < m->tensor_count);
    }
}

/* Any header, any number of bytes given: the tables that are placed lie inside of the file, one behind the other. */
void header(void)
{
    struct bnn_dab_header given;
    bnn_model model;
    bnn_error error;
    const size_t size = any(32);
    if (check_header(&given, size, &error) != BNN_OK) {
        return;
    }
    uint8_t *bytes = malloc(given.file_size);
    ASSUME(bytes != NULL);
    if (place_tables(&model, bytes, &given, &error) == BNN_OK) {
        PROVE(model.tensors == bytes + sizeof given, "tensors follow the header");
        PROVE(model.ops == model.tensors + (size_t)model.tensor_count * sizeof(struct bnn_dab_tensor),
              "ops follow the tensors");
        PROVE(model.operands == model.ops + (size_t)model.op_count * sizeof(struct bnn_dab_op), "operands follow the ops");
        PROVE(model.io == model.attributes + (size_t)model.attribute_count * 4, "inputs follow the attributes");
        PROVE(model.strings + model.string_size <= bytes + given.file_size, "all inside the file");
    }
}

/* Tensor records: what is accepted lies inside of the file, or of the activations. */
void tensor_table(void)
{
    ANY_MODEL(model);
    if (bnn_check_tensors(&model, &error) == BNN_OK) {
        const struct bnn_dab_tensor t = bnn_model_tensor(&model, below(model.tensor_count));
        const uint64_t room = t.constant ? model.size : model.activation_bytes;
        PROVE((uint64_t)t.offset + t.bytes <= room, "inside the file, or the activations");
        PROVE(t.constant || (t.first <= t.last && t.last < model.op_count), "lives while there are ops");
        PROVE(t.name < model.string_size, "its name is in the string table");
    }
}

/* Op records: operands of accepted ops are exactly the operand table. */
void op_table(void)
{
    ANY_MODEL(model);
    if (bnn_check_ops(&model, &error) == BNN_OK) {
        const struct bnn_dab_op op = bnn_model_op(&model, below(model.op_count));
        PROVE((uint64_t)op.operand + op.inputs + op.outputs <= model.operand_count, "operands are in their table");
        PROVE((uint64_t)op.attribute + op.attributes <= model.attribute_count, "attributes are in theirs");
        PROVE(op.name < model.string_size, "its name is in the string table");
    }
}

/* Operands: accepted ones are tensors. */
void operand_table(void)
{
    ANY_MODEL(model);
    assume_tensors(&model);
    assume_ops(&model);
    if (bnn_check_operands(&model, &error) == BNN_OK) {
        PROVE(bnn_model_operand(&model, below(model.operand_count)) < model.tensor_count, "operands are tensors");
    }
}

/* Inputs and outputs: accepted ones are activations. */
void io_table(void)
{
    ANY_MODEL(model);
    assume_tensors(&model);
    assume_ops(&model);
    assume_operands(&model);
    if (bnn_check_io(&model, &error) == BNN_OK) {
        const uint32_t tensor = bnn_model_io(&model, below(model.input_count + model.output_count));
        PROVE(tensor < model.tensor_count && !bnn_model_tensor(&model, tensor).constant, "activations");
    }
}

/* Strings: from every accepted offset a zero byte is found inside of the table. */
void string_table(void)
{
    ANY_MODEL(model);
    const uint32_t offset = any(32);
    if (bnn_check_strings(&model, &error) == BNN_OK && bnn_check_string(&model, offset, 0, &error) == BNN_OK) {
        uint32_t end = offset;
        while (end < model.string_size && model.strings[end] != 0) {
            end++;
        }
        PROVE(end < model.string_size, "the string ends in the table");
    }
}

/* Lifetimes: a tensor lives until its last reader. */
void lifetimes(void)
{
    ANY_MODEL(model);
    assume_tensors(&model);
    assume_ops(&model);
    assume_operands(&model);
    assume_io(&model);
    if (bnn_check_lifetimes(&model, &error) == BNN_OK) {
        const uint32_t i = below(model.op_count);
        const struct bnn_dab_op op = bnn_model_op(&model, i);
        ASSUME(op.inputs > 0);
        const struct bnn_dab_tensor t = bnn_model_tensor(&model, bnn_model_operand(&model, op.operand + below(op.inputs)));
        PROVE(t.constant || t.last >= i, "alive");
    }
}

/* Memory: what lives at the same time lies apart. */
void overlaps(void)
{
    ANY_MODEL(model);
    assume_tensors(&model);
    ASSUME(model.tensor_count == 2);
    if (bnn_check_overlaps(&model, &error) == BNN_OK) {
        const struct bnn_dab_tensor a = bnn_model_tensor(&model, 0), b = bnn_model_tensor(&model, 1);
        const int together = a.first <= b.last && b.first <= a.last;
        const int apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
        PROVE(a.constant || b.constant || !together || apart, "apart");
    }
}

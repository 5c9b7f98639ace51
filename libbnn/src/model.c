/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Model bytes -> checked view. The order is that of docs/dab-format.md; this file has the header and the public functions,
 * check_tables.c the tables, check_memory.c section 2.6, check_data.c sections 1 and 3, the ops their own rules.
 */
#include "model.h"

#include "crc.h"
#include "port.h"

uint32_t bnn_read_word(const uint8_t *bytes)
{
    uint32_t word;
    bnn_memcpy(&word, bytes, sizeof word);
    return word;
}

struct bnn_dab_tensor bnn_model_tensor(const bnn_model *model, uint32_t index)
{
    struct bnn_dab_tensor tensor;
    bnn_memcpy(&tensor, model->tensors + (size_t)index * sizeof tensor, sizeof tensor);
    return tensor;
}

struct bnn_dab_op bnn_model_op(const bnn_model *model, uint32_t index)
{
    struct bnn_dab_op op;
    bnn_memcpy(&op, model->ops + (size_t)index * sizeof op, sizeof op);
    return op;
}

uint32_t bnn_model_operand(const bnn_model *model, uint32_t index)
{
    return bnn_read_word(model->operands + (size_t)index * 4);
}

uint32_t bnn_model_io(const bnn_model *model, uint32_t index)
{
    return bnn_read_word(model->io + (size_t)index * 4);
}

const char *bnn_model_string(const bnn_model *model, uint32_t offset)
{
    return (const char *)model->strings + offset;
}

uint32_t bnn_model_data(const bnn_model *model)
{
    uint32_t end = (uint32_t)(model->strings - model->bytes) + model->string_size;
    return (end + 63) / 64 * 64;
}

struct range_rule {
    uint32_t value, lowest, highest;
    const char *what;
};

/* Rules of section 2.1 on single fields. */
static bnn_status check_ranges(const struct bnn_dab_header *header, bnn_error *error)
{
    const struct range_rule rules[] = {
        {header->tensor_count, 1, BNN_DAB_MAX_TENSORS, "tensor_count: must be 1..16384"},
        {header->op_count, 1, BNN_DAB_MAX_OPS, "op_count: must be 1..16384"},
        {header->operand_count, 0, BNN_DAB_MAX_OPERANDS, "operand_count: must be at most 2^20"},
        {header->attribute_count, 0, BNN_DAB_MAX_ATTRIBUTES, "attribute_count: must be at most 2^20"},
        {header->input_count, 1, BNN_DAB_MAX_IO, "input_count: must be 1..256"},
        {header->output_count, 1, BNN_DAB_MAX_IO, "output_count: must be 1..256"},
        {header->string_size, 1, BNN_DAB_MAX_STRINGS, "string_size: must be 1..2^24"},
        {header->activation_bytes, 0, BNN_DAB_MAX_BYTES, "activation_bytes: must be below 2^31"},
        {header->activation_bytes % BNN_ALIGNMENT, 0, 0, "activation_bytes: must be a multiple of 64"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].value < rules[i].lowest || rules[i].value > rules[i].highest) {
            return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_HEADER, 0, rules[i].what);
        }
    }
    static const uint8_t zero[sizeof header->reserved];
    if (bnn_memcmp(header->reserved, zero, sizeof zero) != 0) {
        return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_HEADER, 0, "reserved: must be zero");
    }
    return BNN_OK;
}

/* Rules of section 2.1 that say whether this is a file to read at all. */
static bnn_status check_header(const struct bnn_dab_header *header, size_t size, bnn_error *error)
{
    if (header->major != BNN_DAB_MAJOR) {
        return bnn_fail(error, BNN_ERR_VERSION, BNN_PLACE_HEADER, 0, "major: this library reads version 1");
    }
    if (header->minor > BNN_DAB_MINOR) {
        return bnn_fail(error, BNN_ERR_VERSION, BNN_PLACE_HEADER, 0,
                        "minor: newer than this library; convert again for it or update the library");
    }
    if (header->file_size > BNN_DAB_MAX_BYTES) {
        return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_HEADER, 0, "file_size: must be below 2^31");
    }
    if (header->file_size > size) {
        return bnn_fail(error, BNN_ERR_TRUNCATED, BNN_PLACE_HEADER, 0, "file_size: more than the bytes given");
    }
    return BNN_CONFIG_CHECKS ? check_ranges(header, error) : BNN_OK;
}

/* Places the tables of section 2 behind the header. All counts are bounded, so 32 bits hold the sum. */
static bnn_status place_tables(bnn_model *model, const uint8_t *bytes, const struct bnn_dab_header *header, bnn_error *error)
{
    uint32_t at = (uint32_t)sizeof *header;
    *model = (bnn_model){
        .bytes = bytes,
        .size = header->file_size,
        .tensor_count = header->tensor_count,
        .op_count = header->op_count,
        .operand_count = header->operand_count,
        .attribute_count = header->attribute_count,
        .input_count = header->input_count,
        .output_count = header->output_count,
        .string_size = header->string_size,
        .metadata = header->metadata,
        .activation_bytes = header->activation_bytes,
    };
    const struct {
        const uint8_t **start;
        uint32_t bytes;
    } parts[] = {
        {&model->tensors, model->tensor_count * (uint32_t)sizeof(struct bnn_dab_tensor)},
        {&model->ops, model->op_count * (uint32_t)sizeof(struct bnn_dab_op)},
        {&model->operands, model->operand_count * 4},
        {&model->attributes, model->attribute_count * 4},
        {&model->io, (model->input_count + model->output_count) * 4},
        {&model->strings, model->string_size},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (at > model->size || parts[i].bytes > model->size - at) {
            return bnn_fail(error, BNN_ERR_TRUNCATED, BNN_PLACE_HEADER, 0, "file_size: the tables do not fit into it");
        }
        *parts[i].start = bytes + at;
        at += parts[i].bytes;
    }
    return BNN_OK;
}

/* All that is behind the header. */
static bnn_status check_content(const bnn_model *model, bnn_error *error)
{
    static bnn_status (*const checks[])(const bnn_model *, bnn_error *) = {
        bnn_check_tensors, bnn_check_ops,       bnn_check_operands, bnn_check_io,
        bnn_check_strings, bnn_check_lifetimes, bnn_check_overlaps,
    };
    struct bnn_tensor_set infinite;
    bnn_status status = bnn_check_string(model, model->metadata, 0, error);
    for (size_t i = 0; status == BNN_OK && i < sizeof checks / sizeof checks[0]; i++) {
        status = checks[i](model, error);
    }
    if (status == BNN_OK) {
        status = bnn_check_data(model, &infinite, error);
    }
    return status == BNN_OK ? bnn_check_kinds(model, &infinite, error) : status;
}

/* What must be checked of a model that is trusted. */
static bnn_status check_ops_only(const bnn_model *model, bnn_error *error)
{
    bnn_status status = BNN_OK;
    for (uint32_t i = 0; status == BNN_OK && i < model->op_count; i++) {
        status = bnn_check_op_support(bnn_model_op(model, i).kind, i, error);
    }
    return status;
}

bnn_status bnn_model_init(bnn_model *model, const void *bytes, size_t size, bnn_error *error)
{
    bnn_error ignored;
    if (error == NULL) {
        error = &ignored;
    }
    if ((uintptr_t)bytes % BNN_ALIGNMENT != 0) {
        return bnn_fail(error, BNN_ERR_ALIGNMENT, BNN_PLACE_NONE, 0,
                        "the model bytes must be aligned to 64 bytes: _Alignas(BNN_ALIGNMENT)");
    }
    struct bnn_dab_header header;
    size_t magic = size < sizeof header.magic ? size : sizeof header.magic;
    if (bnn_memcmp(bytes, bnn_dab_magic, magic) != 0) {
        return bnn_fail(error, BNN_ERR_MAGIC, BNN_PLACE_HEADER, 0, "magic: the first bytes are not those of a .dab file");
    }
    if (size < sizeof header) {
        return bnn_fail(error, BNN_ERR_TRUNCATED, BNN_PLACE_HEADER, 0, "fewer bytes than a header has");
    }
    bnn_memcpy(&header, bytes, sizeof header);

    bnn_model view;
    bnn_status status = check_header(&header, size, error);
    if (status == BNN_OK) {
        status = place_tables(&view, bytes, &header, error);
    }
    if (status == BNN_OK) {
        status = BNN_CONFIG_CHECKS ? check_content(&view, error) : check_ops_only(&view, error);
    }
    if (status == BNN_OK) {
        status = bnn_check_step_support(&view, error);
    }
    if (status == BNN_OK) {
        *model = view;
    }
    return status;
}

bnn_status bnn_model_verify(const bnn_model *model)
{
    static const uint8_t zero[4];
    const size_t field = offsetof(struct bnn_dab_header, crc32), rest = field + sizeof zero;
    uint32_t crc = bnn_crc32(0, model->bytes, field);
    crc = bnn_crc32(crc, zero, sizeof zero);
    crc = bnn_crc32(crc, model->bytes + rest, model->size - rest);
    return crc == bnn_read_word(model->bytes + field) ? BNN_OK : BNN_ERR_CHECKSUM;
}

const char *bnn_model_metadata(const bnn_model *model)
{
    return bnn_model_string(model, model->metadata);
}

static void describe(const bnn_model *model, uint32_t io, bnn_tensor *tensor)
{
    struct bnn_dab_tensor record = bnn_model_tensor(model, bnn_model_io(model, io));
    *tensor = (bnn_tensor){
        .name = bnn_model_string(model, record.name),
        .type = (bnn_type)record.type,
        .rank = record.rank,
        .bytes = record.bytes,
        .scale = 1.0f,
        .zero_point = 0,
    };
    bnn_memcpy(tensor->dims, record.dims, sizeof tensor->dims);
}

bnn_status bnn_model_input(const bnn_model *model, uint32_t index, bnn_tensor *tensor)
{
    if (index >= model->input_count) {
        return BNN_ERR_ARGUMENT;
    }
    describe(model, index, tensor);
    return BNN_OK;
}

bnn_status bnn_model_output(const bnn_model *model, uint32_t index, bnn_tensor *tensor)
{
    if (index >= model->output_count) {
        return BNN_ERR_ARGUMENT;
    }
    describe(model, model->input_count + index, tensor);
    return BNN_OK;
}

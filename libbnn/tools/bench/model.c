/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "bnn/bnn.h"
#include "format.h"

enum {
#define BNN_OP(kind, name, words, fewest, most, steps) OP_##name = kind,
#include "ops.def"
#undef BNN_OP
};

enum { MAX_TENSORS = 9, MAX_OPS = 3, MAX_OPERANDS = 10, MAX_WORDS = 21, BORDER_WORD = 8 };
enum { SCALE = 1 }; /* tensor: of 8-bit numbers */

/* The file's tables, as docs/dab-format.md has them. */
struct tables {
    struct bnn_dab_header header;
    struct bnn_dab_tensor tensors[MAX_TENSORS];
    struct bnn_dab_op ops[MAX_OPS];
    uint32_t operands[MAX_OPERANDS];
    uint32_t words[MAX_WORDS];
    uint32_t io[2];
};

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

void bench_floats(float *out, size_t count, uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 1;
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)((int32_t)(next_random(&state) >> 8) - (1 << 23)) / (float)(1 << 23);
    }
}

void *bench_allocate(size_t bytes)
{
    return aligned_alloc(BNN_ALIGNMENT, (bytes / BNN_ALIGNMENT + 1) * BNN_ALIGNMENT);
}

static uint32_t round_up(uint32_t bytes)
{
    return (bytes + BNN_ALIGNMENT - 1) / BNN_ALIGNMENT * BNN_ALIGNMENT;
}

/* Bytes of a pixel of one channel group, which holds `channels` channels and all that follow it. */
static uint32_t group_size(uint32_t channels)
{
    return channels > 64 ? 16 : 8;
}

static uint32_t tensor_bytes(const struct bnn_dab_tensor *t)
{
    uint32_t count = 1, channels = t->dims[t->rank - 1], groups = 0;
    for (uint32_t i = 0; i + 1 < t->rank; i++) {
        count *= t->dims[i];
    }
    if (t->type == BNN_TYPE_W_S8) {
        return t->dims[0] * t->dims[1] * ((t->dims[2] * t->dims[3] * channels + 15) / 16 * 16);
    }
    if (t->type == BNN_TYPE_W_XNOR || t->type == BNN_TYPE_W_SIGN) { /* blocks of 8 outputs */
        count = count / t->dims[1] * ((t->dims[1] + 7) / 8) * (t->type == BNN_TYPE_W_XNOR ? 8 : 1);
    }
    for (uint32_t c = 0; c < channels; c += 128) {
        groups += group_size(channels - c);
    }
    switch (t->type) {
    case BNN_TYPE_F32:
    case BNN_TYPE_W_F32:
    case BNN_TYPE_I32: return 4 * count * channels;
    case BNN_TYPE_W_SIGN:
    case BNN_TYPE_I8:
    case BNN_TYPE_U8: return count * channels;
    default: return count * groups; /* BITS, W_XNOR */
    }
}

/* Adds a tensor and returns its index. Every activation has memory of its own: the models are small. */
static uint32_t add_tensor(struct tables *t, bnn_type type, int constant, uint32_t rank, const uint32_t *dims)
{
    const uint32_t index = t->header.tensor_count++;
    struct bnn_dab_tensor *tensor = &t->tensors[index];
    tensor->type = (uint8_t)type;
    tensor->constant = (uint8_t)constant;
    tensor->rank = (uint8_t)rank;
    memcpy(tensor->dims, dims, rank * sizeof dims[0]);
    tensor->bytes = tensor_bytes(tensor);
    if (!constant) {
        tensor->offset = t->header.activation_bytes;
        t->header.activation_bytes += round_up(tensor->bytes);
    }
    return index;
}

static uint32_t add_image(struct tables *t, bnn_type type, uint32_t height, uint32_t width, uint32_t channels)
{
    return add_tensor(t, type, 0, 3, (const uint32_t[]){height, width, channels});
}

static uint32_t add_vector(struct tables *t, bnn_type type, uint32_t channels)
{
    return add_tensor(t, type, 1, 1, &channels);
}

/* Adds an op with one output, which has just been added and lives to the end. Steps: up to 4 codes, lowest byte first. */
static void add_op(struct tables *t, uint32_t kind, uint32_t first_input, uint32_t inputs, const uint32_t *words,
                   uint32_t word_count, uint32_t steps)
{
    struct bnn_dab_header *h = &t->header;
    struct bnn_dab_op *op = &t->ops[h->op_count];
    *op = (struct bnn_dab_op){
        .kind = (uint16_t)kind,
        .inputs = (uint8_t)inputs,
        .outputs = 1,
        .operand = h->operand_count,
        .attribute = h->attribute_count,
        .attributes = word_count + BNN_STEP_WORDS,
    };
    for (uint32_t i = 0; i < inputs; i++) {
        t->operands[h->operand_count++] = first_input + i;
    }
    t->operands[h->operand_count++] = h->tensor_count - 1;
    if (word_count > 0) {
        memcpy(t->words + h->attribute_count, words, word_count * sizeof words[0]);
    }
    t->words[h->attribute_count + word_count] = steps;
    h->attribute_count += op->attributes;
    t->tensors[h->tensor_count - 1].first = (uint16_t)h->op_count++;
}

/* Every tensor lives to the end. */
static void close_tables(struct tables *t, uint32_t input)
{
    for (uint32_t i = 0; i < t->header.tensor_count; i++) {
        t->tensors[i].last = (uint16_t)(t->tensors[i].constant ? 0 : t->header.op_count - 1);
    }
    t->header.input_count = t->header.output_count = 1;
    t->io[0] = input;
    t->io[1] = t->header.tensor_count - 1;
}

/* Types of a layer's input and weights, and its ops as a convolution and as a dense layer. */
static const struct {
    bnn_type x, w;
    uint32_t conv, dense;
} layer_types[] = {
    [BENCH_BINARY] = {BNN_TYPE_BITS, BNN_TYPE_W_XNOR, OP_bconv2d, OP_bdense},
    [BENCH_FLOAT] = {BNN_TYPE_F32, BNN_TYPE_W_F32, OP_conv2d, OP_dense},
    [BENCH_SIGN] = {BNN_TYPE_F32, BNN_TYPE_W_SIGN, OP_conv2d, OP_dense},
    [BENCH_DEPTHWISE] = {BNN_TYPE_F32, BNN_TYPE_W_F32, OP_conv2d, OP_dense},
    [BENCH_S8] = {BNN_TYPE_I8, BNN_TYPE_W_S8, OP_qconv2d, OP_qdense},
    [BENCH_S8_SIGN] = {BNN_TYPE_I8, BNN_TYPE_W_SIGN, OP_qconv2d, OP_qdense},
};

/* Adds the op that makes the layer's input of the model's; returns the index of what it makes. */
static uint32_t describe_input(struct tables *t, const struct bench_layer *layer)
{
    const bnn_type type = layer_types[layer->kind].x;
    const uint32_t input = add_image(t, BNN_TYPE_F32, layer->height, layer->width, layer->channels);
    uint32_t step = BNN_STEP_EMIT_F32;
    if (type == BNN_TYPE_BITS) {
        step = BNN_STEP_EMIT_BITS;
        add_vector(t, BNN_TYPE_F32, layer->channels);
        add_vector(t, BNN_TYPE_U8, layer->channels);
    } else if (type == BNN_TYPE_I8) {
        step = BNN_STEP_EMIT_I8;
        add_vector(t, BNN_TYPE_F32, 1);
        add_vector(t, BNN_TYPE_I32, 1);
    }
    const uint32_t x = add_image(t, type, layer->height, layer->width, layer->channels);
    add_op(t, OP_pointwise, input, x - input, NULL, 0, step);
    return x;
}

/* All of the file but its data. */
static void describe(struct tables *t, const struct bench_layer *layer)
{
    const uint32_t stride = layer->stride, pad = layer->pad;
    const uint32_t words[] = {
        stride, stride, 1, 1, pad, pad, pad, pad, (uint32_t)layer->border}; /* of 8 bits: the zero point, 0 */
    const uint32_t out_h = bench_out(layer, layer->height), out_w = bench_out(layer, layer->width);
    const uint32_t groups = layer->kind == BENCH_DEPTHWISE ? layer->channels : 1, kernel = layer->kernel;
    *t = (struct tables){.header = {.major = BNN_DAB_MAJOR, .minor = BNN_DAB_MINOR}};
    memcpy(t->header.magic, bnn_dab_magic, sizeof bnn_dab_magic);

    /* An op's inputs are neighbours in the tensor table. */
    const uint32_t x = describe_input(t, layer);
    add_tensor(t, layer_types[layer->kind].w, 1, 5,
               (const uint32_t[]){groups, layer->outputs / groups, kernel, kernel, layer->channels / groups});
    add_vector(t, layer->bits_out ? BNN_TYPE_I32 : BNN_TYPE_F32, layer->outputs);
    if (!layer->bits_out) {
        add_vector(t, BNN_TYPE_F32, layer->outputs);
    }
    const uint32_t out = add_image(t, layer->bits_out ? BNN_TYPE_BITS : BNN_TYPE_F32, out_h, out_w, layer->outputs);
    const uint32_t steps = layer->bits_out ? BNN_STEP_EMIT_INT : BNN_STEP_AFFINE | BNN_STEP_EMIT_F32 << 8;
    const uint32_t zero_points = bench_is_8_bit(layer) ? 1 : 0, borders = layer->kind == BENCH_BINARY ? 1 : zero_points;
    if (layer->dense) {
        add_op(t, layer_types[layer->kind].dense, x, out - x, words + BORDER_WORD, zero_points, steps);
    } else {
        add_op(t, layer_types[layer->kind].conv, x, out - x, words, BORDER_WORD + borders, steps);
    }
    if (layer->bits_out) { /* a model's output is never bits */
        add_image(t, BNN_TYPE_F32, out_h, out_w, layer->outputs);
        add_op(t, OP_pointwise, out, 1, NULL, 0, BNN_STEP_EMIT_F32);
    }
    close_tables(t, 0);
}

/* Signs of real channels and outputs; all other bits are 0. */
static void fill_weights(uint8_t *out, const struct bench_layer *layer, uint32_t *random)
{
    for (uint32_t first = 0; first < layer->outputs; first += 8) {
        for (uint32_t c = 0; c < layer->channels; c += 128) {
            const uint32_t left = layer->channels - c, size = group_size(left);
            for (uint32_t i = 0; i < layer->kernel * layer->kernel * 8 * size; i++) {
                uint32_t output = first + i / size % 8, bits = next_random(random) >> 24;
                for (uint32_t m = 0; m < 8; m++) {
                    bits &= size * m + i % size < left ? 0xffu : ~(1u << m);
                }
                *out++ = (uint8_t)(output < layer->outputs ? bits : 0);
            }
        }
    }
}

/* Weights of 8 bits, never -128, and zeros behind the last of each output. */
static void fill_s8(uint8_t *out, const struct bench_layer *layer, uint32_t *random)
{
    const uint32_t taps = layer->kernel * layer->kernel * layer->channels;
    for (uint32_t first = 0; first < layer->outputs; first += 8) {
        const uint32_t rest = layer->outputs - first, lanes = rest < 8 ? rest : 8;
        for (uint32_t v = 0; v < taps; v += 16) {
            for (uint32_t i = 0; i < 16 * lanes; i++) {
                *out++ = (uint8_t)(v + i % 16 < taps ? (int32_t)(next_random(random) % 255) - 127 : 0);
            }
        }
    }
}

static void fill(uint8_t *data, const struct bnn_dab_tensor *tensor, const struct bench_layer *layer, uint32_t *random)
{
    switch (tensor->type) {
    case BNN_TYPE_W_XNOR: fill_weights(data, layer, random); break;
    case BNN_TYPE_W_S8: fill_s8(data, layer, random); break;
    case BNN_TYPE_W_SIGN:
        for (uint32_t i = 0; i < tensor->bytes; i++) {
            data[i] = (uint8_t)(next_random(random) >> 24);
        }
        break;
    case BNN_TYPE_W_F32:
    case BNN_TYPE_F32: bench_floats((float *)(void *)data, tensor->bytes / 4, next_random(random)); break;
    case BNN_TYPE_I32:
        for (uint32_t i = 0; i < tensor->bytes / 4; i++) {
            ((int32_t *)(void *)data)[i] = (int32_t)(next_random(random) % 64) - 32;
        }
        break;
    default: break;
    }
}

/* Copies one table behind the last one. */
static void append(uint8_t *file, uint32_t *at, const void *table, size_t bytes)
{
    memcpy(file + *at, table, bytes);
    *at += (uint32_t)bytes;
}

uint8_t *bench_model(const struct bench_layer *layer, size_t *size)
{
    static const char no_names[] = "";
    struct tables t;
    describe(&t, layer);
    struct bnn_dab_header *h = &t.header;
    h->string_size = sizeof no_names;
    const size_t tables = sizeof *h + h->tensor_count * sizeof t.tensors[0] + h->op_count * sizeof t.ops[0] +
                          (h->operand_count + h->attribute_count) * sizeof(uint32_t) + sizeof t.io + h->string_size;
    h->file_size = round_up((uint32_t)tables);
    for (uint32_t i = 0; i < h->tensor_count; i++) {
        if (t.tensors[i].constant) {
            t.tensors[i].offset = h->file_size;
            h->file_size += round_up(t.tensors[i].bytes);
        }
    }
    uint8_t *file = bench_allocate(h->file_size);
    if (file == NULL) {
        return NULL;
    }
    memset(file, 0, h->file_size);
    uint32_t at = 0, random = 1;
    append(file, &at, h, sizeof *h);
    append(file, &at, t.tensors, h->tensor_count * sizeof t.tensors[0]);
    append(file, &at, t.ops, h->op_count * sizeof t.ops[0]);
    append(file, &at, t.operands, h->operand_count * sizeof t.operands[0]);
    append(file, &at, t.words, h->attribute_count * sizeof t.words[0]);
    append(file, &at, t.io, sizeof t.io);
    append(file, &at, no_names, sizeof no_names);
    /* Constants of the first op: thresholds and flips stay 0, so that signs are taken; so does a zero point. */
    if (bench_is_8_bit(layer)) {
        const float scale = 1.0F / 128;
        memcpy(file + t.tensors[SCALE].offset, &scale, sizeof scale);
    }
    for (uint32_t i = t.operands[t.ops[BENCH_STEP].operand]; i < h->tensor_count; i++) {
        if (t.tensors[i].constant) {
            fill(file + t.tensors[i].offset, &t.tensors[i], layer, &random);
        }
    }
    *size = h->file_size;
    return file;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * docs/dab-format.md, sections 1 and 3: the content of constants, and the padding around them. Every byte of the data part
 * is looked at once at most.
 */
#include "model.h"

#include "ops.h"
#include "port.h"

#define SIGN_BIT 0x80000000u
#define INFINITE 0x7f800000u
#define SMALLEST_NORMAL 0x00800000u

static int all_zero(const uint8_t *bytes, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

/* W_F32: finite. */
static const char *weights_f32_rule_broken(const uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i += 4) {
        if ((bnn_read_word(data + i) & ~SIGN_BIT) >= INFINITE) {
            return "weights must be finite";
        }
    }
    return NULL;
}

/* F32: no NaN, -0.0 or denormal; *infinite tells whether there are infinities. */
static const char *f32_rule_broken(const uint8_t *data, uint32_t bytes, int *infinite)
{
    for (uint32_t i = 0; i < bytes; i += 4) {
        uint32_t word = bnn_read_word(data + i), magnitude = word & ~SIGN_BIT;
        if (magnitude > INFINITE || word == SIGN_BIT || (magnitude != 0 && magnitude < SMALLEST_NORMAL)) {
            return "floats must not be NaN, -0.0 or denormal";
        }
        *infinite |= magnitude == INFINITE;
    }
    return NULL;
}

/* Vectors of `channels` bits in one group: `count` of them lie `group` (8 or 16) bytes apart; pad bits are zero. */
static int pad_bits_zero(const uint8_t *data, uint64_t count, uint32_t channels)
{
    if (channels % 64 == 0) {
        return 1;
    }
    uint32_t group = bnn_group_bytes(channels);
    uint8_t real[16];
    bnn_group_mask(real, channels);
    for (uint64_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < group; k++) {
            if (data[i * group + k] & (uint8_t)~real[k]) {
                return 0;
            }
        }
    }
    return 1;
}

/* BITS: pad bits of the last group. Earlier groups have none. */
static const char *bits_rule_broken(const uint8_t *data, const uint32_t *dims)
{
    uint64_t pixels = (uint64_t)dims[0] * dims[1];
    uint32_t before = (dims[2] - 1) / 128;
    return pad_bits_zero(data + pixels * before * 16, pixels, dims[2] - before * 128) ? NULL : "pad bits must be zero";
}

/* W_XNOR: pad bits of the last group, and missing outputs. */
static const char *xnor_rule_broken(const uint8_t *data, const uint32_t *dims)
{
    uint64_t blocks = ((uint64_t)dims[1] + 7) / 8, taps = (uint64_t)dims[2] * dims[3];
    uint32_t before = (dims[4] - 1) / 128, rest = dims[4] - before * 128;
    uint64_t block_bytes = taps * 8 * bnn_group_bytes(dims[4]);
    for (uint64_t b = 0; b < dims[0] * blocks; b++) {
        const uint8_t *block = data + b * block_bytes;
        if (!pad_bits_zero(block + taps * 8 * 16 * before, taps * 8, rest)) {
            return "pad bits must be zero";
        }
        uint32_t lanes = b % blocks == blocks - 1 ? (uint32_t)(dims[1] - (blocks - 1) * 8) : 8;
        for (uint64_t v = 0; lanes < 8 && v < taps * (before + 1); v++) {
            uint64_t last = v >= taps * before;
            size_t size = last ? bnn_group_bytes(rest) : 16;
            const uint8_t *vector = block + (last ? taps * before * 128 + (v - taps * before) * 8 * size : v * 128);
            if (!all_zero(vector + lanes * size, (8 - lanes) * size)) {
                return "missing outputs must be zero bits";
            }
        }
    }
    return NULL;
}

/* W_SIGN: missing outputs. */
static const char *sign_rule_broken(const uint8_t *data, const uint32_t *dims)
{
    uint64_t blocks = ((uint64_t)dims[1] + 7) / 8, block_bytes = (uint64_t)dims[2] * dims[3] * dims[4];
    uint32_t lanes = dims[1] % 8;
    for (uint64_t g = 0; lanes != 0 && g < dims[0]; g++) {
        const uint8_t *block = data + (g * blocks + blocks - 1) * block_bytes;
        for (uint64_t i = 0; i < block_bytes; i++) {
            if (block[i] >> lanes) {
                return "missing outputs must be zero bits";
            }
        }
    }
    return NULL;
}

/* W_S8: no -128, and the rest of each output's last vector. */
static const char *s8_rule_broken(const uint8_t *data, uint32_t bytes, const uint32_t *dims)
{
    const uint64_t taps = (uint64_t)dims[2] * dims[3] * dims[4], vectors = (taps + 15) / 16;
    const size_t rest = (size_t)(taps % 16);
    for (uint32_t i = 0; i < bytes; i++) {
        if (data[i] == 0x80) {
            return "8-bit weights must not be -128";
        }
    }
    for (uint64_t g = 0; rest != 0 && g < dims[0]; g++) {
        for (uint32_t o = 0; o < dims[1]; o += 8) {
            const uint64_t lanes = dims[1] - o < 8 ? dims[1] - o : 8;
            const uint8_t *last = data + ((g * dims[1] + o) * vectors + (vectors - 1) * lanes) * 16;
            for (uint64_t j = 0; j < lanes; j++) {
                if (!all_zero(last + 16 * j + rest, 16 - rest)) {
                    return "8-bit weights must be zero behind the last tap";
                }
            }
        }
    }
    return NULL;
}

/* U8: flips. */
static const char *u8_rule_broken(const uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        if (data[i] > 1) {
            return "U8 constants must be 0 or 1";
        }
    }
    return NULL;
}

bnn_status bnn_check_data(const bnn_model *model, struct bnn_tensor_set *infinite, bnn_error *error)
{
    uint32_t end = (uint32_t)(model->strings - model->bytes) + model->string_size;
    const char *what = NULL;
    bnn_memset(infinite->bits, 0, sizeof infinite->bits);
    for (uint32_t i = 0; i < model->tensor_count; i++) {
        struct bnn_dab_tensor t = bnn_model_tensor(model, i);
        if (!t.constant) {
            continue;
        }
        const uint8_t *data = model->bytes + t.offset;
        int has_infinity = 0;
        if (!all_zero(model->bytes + end, t.offset - end)) {
            what = "the padding before the constant must be zero";
        } else {
            switch (t.type) {
            case BNN_TYPE_F32: what = f32_rule_broken(data, t.bytes, &has_infinity); break;
            case BNN_TYPE_U8: what = u8_rule_broken(data, t.bytes); break;
            case BNN_TYPE_BITS: what = bits_rule_broken(data, t.dims); break;
            case BNN_TYPE_W_XNOR: what = xnor_rule_broken(data, t.dims); break;
            case BNN_TYPE_W_SIGN: what = sign_rule_broken(data, t.dims); break;
            case BNN_TYPE_W_F32: what = weights_f32_rule_broken(data, t.bytes); break;
            case BNN_TYPE_W_S8: what = s8_rule_broken(data, t.bytes, t.dims); break;
            default: break; /* I8, I32: any value */
            }
        }
        if (what != NULL) {
            return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_DATA, i, what);
        }
        if (has_infinity) {
            bnn_tensor_set_add(infinite, i);
        }
        end = t.offset + t.bytes;
    }
    if (!all_zero(model->bytes + end, model->size - end)) {
        return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_DATA, model->tensor_count - 1, "the padding at the end must be zero");
    }
    return BNN_OK;
}

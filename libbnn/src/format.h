/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The .dab file as structs and constants, in the order of docs/dab-format.md. All fields are little-endian, as is every
 * supported host (arch.h refuses others), so a record is read by one memcpy.
 */
#ifndef BNN_FORMAT_H
#define BNN_FORMAT_H

#include <stdint.h>

#define BNN_DAB_MAJOR 1
#define BNN_DAB_MINOR 2
#define BNN_DAB_MAX_TENSORS 16384u
#define BNN_DAB_MAX_OPS 16384u
#define BNN_DAB_MAX_OPERANDS (1u << 20)
#define BNN_DAB_MAX_ATTRIBUTES (1u << 20)
#define BNN_DAB_MAX_IO 256u
#define BNN_DAB_MAX_STRINGS (1u << 24)
#define BNN_DAB_MAX_DIM (1u << 24)
#define BNN_DAB_MAX_BYTES 0x7fffffffu /* files, tensors and arenas are smaller than 2^31 */

static const uint8_t bnn_dab_magic[8] = {0x89, 'D', 'A', 'B', '\r', '\n', 0x1a, '\n'};

struct bnn_dab_header {
    uint8_t magic[8];
    uint16_t major, minor;
    uint32_t file_size;
    uint32_t crc32;
    uint32_t tensor_count, op_count, operand_count, attribute_count;
    uint32_t input_count, output_count;
    uint32_t string_size;
    uint32_t metadata;
    uint32_t activation_bytes;
    uint8_t reserved[8];
};

struct bnn_dab_tensor {
    uint32_t name;
    uint8_t type, constant, rank, reserved0;
    uint32_t dims[6];
    uint32_t offset, bytes;
    uint16_t first, last;
    uint8_t reserved1[4];
};

struct bnn_dab_op {
    uint16_t kind;
    uint8_t inputs, outputs;
    uint32_t operand;
    uint32_t attribute, attributes;
    uint32_t name;
    uint8_t reserved[4];
};

_Static_assert(sizeof(struct bnn_dab_header) == 64, "header is 64 bytes");
_Static_assert(sizeof(struct bnn_dab_tensor) == 48, "tensor record is 48 bytes");
_Static_assert(sizeof(struct bnn_dab_op) == 24, "op record is 24 bytes");

/* Steps (section 4): 16 bytes in 4 attribute words. */
#define BNN_MAX_STEPS 16
#define BNN_STEP_WORDS 4
enum bnn_step_code {
    BNN_STEP_END = 0,
    BNN_STEP_AFFINE = 1,
    BNN_STEP_CLIP = 2,
    BNN_STEP_PRELU = 3,
    BNN_STEP_ADD = 4,
    BNN_STEP_SIGN = 5,
    BNN_STEP_EMIT_F32 = 6,
    BNN_STEP_EMIT_SIGN = 7,
    BNN_STEP_EMIT_BITS = 8,
    BNN_STEP_EMIT_INT = 9,
    BNN_STEP_FUNCTION = 10,
    BNN_STEP_MUL = 11,
    BNN_STEP_SUB = 12,
    BNN_STEP_DIV = 13,
    BNN_STEP_MAX = 14,
    BNN_STEP_MIN = 15,
    BNN_STEP_EMIT_I8 = 16,
    BNN_STEP_COUNT
};

/* Functions of a FUNCTION step (4.1). */
enum bnn_function {
    BNN_FUNCTION_ABS = 1,
    BNN_FUNCTION_SQRT = 2,
    BNN_FUNCTION_RECIPROCAL = 3,
    BNN_FUNCTION_FLOOR = 4,
    BNN_FUNCTION_CEIL = 5,
    BNN_FUNCTION_ROUND = 6,
    BNN_FUNCTION_EXP = 7,
    BNN_FUNCTION_LOG = 8,
    BNN_FUNCTION_SIGMOID = 9,
    BNN_FUNCTION_TANH = 10,
    BNN_FUNCTION_ERF = 11,
    BNN_FUNCTION_ELU = 12,
    BNN_FUNCTION_SOFTPLUS = 13,
    BNN_FUNCTION_SWISH = 14,
    BNN_FUNCTION_HARD_SWISH = 15,
    BNN_FUNCTION_MISH = 16,
    BNN_FUNCTION_COUNT
};

#endif

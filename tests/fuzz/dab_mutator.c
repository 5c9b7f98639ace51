/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Mutations that know what a .dab file is (docs/dab-format.md), for libFuzzer. A field of a table gets a value that such
 * fields have, or a dimension changes in all tensors that have it and the file is laid out anew; then sizes and checksum are
 * made right, so that most files get past the header. Some files get plain byte mutations as well.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "crc.h"
#include "format.h"

enum { WORD = 4, TENSOR = sizeof(struct bnn_dab_tensor), OP = sizeof(struct bnn_dab_op), MOST = 1 << 16, MOST_TENSORS = 256 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static uint64_t state;

static uint32_t random_below(uint32_t end)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return end == 0 ? 0 : (uint32_t)((state >> 16) % end);
}

static uint32_t get(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, WORD);
    return word;
}

static void put(uint8_t *at, uint32_t word)
{
    memcpy(at, &word, WORD);
}

/* Where the parts of a file are; `whole` says whether they all lie inside it. */
struct parts {
    struct bnn_dab_header header;
    size_t tensors, ops, operands, attributes, io, strings, data, size;
    int whole;
};

static struct parts find_parts(const uint8_t *data, size_t size)
{
    struct parts p;
    memset(&p, 0, sizeof p);
    if (size < sizeof p.header || memcmp(data, bnn_dab_magic, sizeof bnn_dab_magic) != 0) {
        return p;
    }
    memcpy(&p.header, data, sizeof p.header);
    const struct bnn_dab_header *h = &p.header;
    if (h->tensor_count > MOST || h->op_count > MOST || h->operand_count > MOST || h->attribute_count > MOST ||
        h->input_count > MOST || h->output_count > MOST || h->string_size > MOST) {
        return p;
    }
    p.tensors = sizeof *h;
    p.ops = p.tensors + (size_t)TENSOR * h->tensor_count;
    p.operands = p.ops + (size_t)OP * h->op_count;
    p.attributes = p.operands + (size_t)WORD * h->operand_count;
    p.io = p.attributes + (size_t)WORD * h->attribute_count;
    p.strings = p.io + WORD * ((size_t)h->input_count + h->output_count);
    p.data = (p.strings + h->string_size + 63) / 64 * 64;
    p.size = size;
    p.whole = p.data <= size;
    return p;
}

/* A value that a field might have where it now has `old`. */
static uint32_t another(uint32_t old)
{
    static const uint32_t special[] = {0,
                                       1,
                                       2,
                                       3,
                                       7,
                                       8,
                                       9,
                                       15,
                                       16,
                                       17,
                                       63,
                                       64,
                                       65,
                                       127,
                                       128,
                                       129,
                                       255,
                                       256,
                                       65534,
                                       65535,
                                       65536,
                                       1u << 20,
                                       (1u << 24) - 1,
                                       1u << 24,
                                       (1u << 24) + 1,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffff80,
                                       0xfffffffe,
                                       0xffffffff,
                                       0x3f800000 /* 1.0f */,
                                       0xbf800000,
                                       0x7f800000 /* infinity */,
                                       0xff800000,
                                       0x7fc00000 /* NaN */,
                                       0x00000001 /* denormal */,
                                       0x7f7fffff};
    switch (random_below(6)) {
    case 0: return old + 1;
    case 1: return old - 1;
    case 2: return old ^ 1u << random_below(32);
    case 3: return (old & ~0xffu) | random_below(256);
    case 4: return random_below(20);
    default: return special[random_below(sizeof special / sizeof special[0])];
    }
}

/* Changes one word of a table with rows of `row` bytes; now and then it takes the value of the same field in another row. */
static void change_row(uint8_t *table, size_t row, size_t rows)
{
    if (rows == 0) {
        return;
    }
    size_t field = WORD * random_below((uint32_t)(row / WORD));
    uint8_t *at = table + row * random_below((uint32_t)rows) + field;
    uint32_t from = random_below((uint32_t)rows);
    switch (random_below(4)) {
    case 0: put(at, get(table + row * from + field)); break;
    case 1: at[random_below(WORD)] = (uint8_t)another(at[0]); break; /* types, ranks, counts, steps */
    default: put(at, another(get(at)));
    }
}

static uint32_t group_bytes(uint32_t channels)
{
    return channels / 128 * 16 + (channels % 128 == 0 ? 0 : channels % 128 > 64 ? 16 : 8);
}

/* Bytes of a tensor (section 3); whatever the dims are it stays below 2^32. */
static uint32_t tensor_bytes(const struct bnn_dab_tensor *t)
{
    uint64_t n = 1;
    uint32_t rank = t->rank > 6 ? 6 : t->rank;
    uint32_t last = rank == 0 ? 1 : t->dims[rank - 1];
    for (uint32_t i = 0; i + 1 < rank; i++) {
        n = n * t->dims[i] % MOST;
    }
    uint64_t blocks =
        rank == 5 ? (uint64_t)t->dims[0] * ((t->dims[1] + 7) / 8) % MOST * t->dims[2] % MOST * t->dims[3] % MOST : n;
    switch (t->type) {
    case 5: return (uint32_t)(n * group_bytes(last) % MOST);
    case 6: return (uint32_t)(blocks * 8 * group_bytes(last) % MOST);
    case 7: return (uint32_t)(blocks * last % MOST);
    case 9:
        return rank == 5 ? (uint32_t)((uint64_t)t->dims[0] * t->dims[1] *
                                      (((uint64_t)t->dims[2] * t->dims[3] % MOST * last + 15) / 16 * 16) % MOST)
                         : 0;
    case 3:
    case 4: return (uint32_t)(n * last % MOST);
    default: return (uint32_t)(4 * n * last % MOST);
    }
}

/* Gives all tensors with a certain dimension another one, and all of them new places. Returns the new size, or 0. */
static size_t change_dimension(uint8_t *data, const struct parts *p, size_t max_size)
{
    static uint8_t old[MOST];
    static struct bnn_dab_tensor tensors[MOST_TENSORS];
    uint32_t count = p->header.tensor_count;
    if (p->size > sizeof old || count > MOST_TENSORS || count == 0) {
        return 0;
    }
    memcpy(old, data, p->size);
    memcpy(tensors, data + p->tensors, TENSOR * (size_t)count);
    const struct bnn_dab_tensor *chosen = &tensors[random_below(count)];
    uint32_t from = chosen->dims[chosen->rank == 0 ? 0 : random_below(chosen->rank) % 6];
    uint32_t to = random_below(3) ? 1 + random_below(24) : another(from);
    int zero = (int)random_below(2), attributes = random_below(4) == 0;
    size_t end = p->data;
    uint32_t arena = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct bnn_dab_tensor *t = &tensors[i];
        int changed = 0;
        for (uint32_t d = 0; d < 6 && d < t->rank; d++) {
            if (t->dims[d] == from) {
                t->dims[d] = to;
                changed = 1;
            }
        }
        uint32_t before = t->bytes, place = t->offset;
        t->bytes = tensor_bytes(t);
        if (!t->constant) {
            t->offset = arena;
            arena += (t->bytes + 63) / 64 * 64;
            continue;
        }
        size_t align = t->type >= 6 ? 64 : 16, start = (end + align - 1) / align * align;
        if (start + t->bytes > max_size || (uint64_t)place + before > p->size) {
            memcpy(data, old, p->size);
            return 0;
        }
        memset(data + end, 0, start + t->bytes - end);
        if (!(changed && zero)) {
            memcpy(data + start, old + place, before < t->bytes ? before : t->bytes);
        }
        t->offset = (uint32_t)start;
        end = start + t->bytes;
    }
    memcpy(data + p->tensors, tensors, TENSOR * (size_t)count);
    put(data + offsetof(struct bnn_dab_header, activation_bytes), arena);
    for (size_t i = 0; attributes && i < p->header.attribute_count; i++) {
        uint8_t *at = data + p->attributes + WORD * i;
        put(at, get(at) == from ? to : get(at));
    }
    return end;
}

/* Changes one field, or the data; returns the new size. */
static size_t change_field(uint8_t *data, const struct parts *p, size_t max_size)
{
    const struct bnn_dab_header *h = &p->header;
    uint32_t what = random_below(100);
    if (what < 4) {
        change_row(data + 8, sizeof *h - 8, 1);
    } else if (what < 24) {
        change_row(data + p->tensors, TENSOR, h->tensor_count);
    } else if (what < 36) {
        change_row(data + p->ops, OP, h->op_count);
    } else if (what < 44) {
        change_row(data + p->operands, WORD, h->operand_count);
    } else if (what < 66) {
        change_row(data + p->attributes, WORD, h->attribute_count);
    } else if (what < 70) {
        change_row(data + p->io, WORD, h->input_count + h->output_count);
    } else if (what < 72) {
        data[p->strings + random_below(h->string_size)] = (uint8_t)random_below(256);
    } else if (what < 84) {
        change_row(data + p->data, WORD, (p->size - p->data) / WORD);
    } else {
        size_t size = change_dimension(data, p, max_size);
        return size ? size : p->size;
    }
    return p->size;
}

/* Makes size and checksum right. */
static void seal(uint8_t *data, size_t size)
{
    put(data + offsetof(struct bnn_dab_header, file_size), (uint32_t)size);
    put(data + offsetof(struct bnn_dab_header, crc32), 0);
    put(data + offsetof(struct bnn_dab_header, crc32), bnn_crc32(0, data, size));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    state = seed * 0x9e3779b97f4a7c15u + 1;
    if (random_below(16) == 0) {
        size = LLVMFuzzerMutate(data, size, max_size);
    }
    for (uint32_t changes = 1 + random_below(3); changes > 0; changes--) {
        struct parts p = find_parts(data, size);
        if (!p.whole) {
            size = LLVMFuzzerMutate(data, size, max_size);
        } else {
            size = change_field(data, &p, max_size);
        }
    }
    if (size >= sizeof(struct bnn_dab_header) && random_below(32) != 0) {
        seal(data, size);
    }
    if (size > sizeof(struct bnn_dab_header) && random_below(2) == 0) {
        data[offsetof(struct bnn_dab_header, crc32)] = (uint8_t)random_below(256); /* another instruction set (dab_fuzzer.c) */
    }
    return size;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gather2d and resize2d: pixels of the output are pixels, or weighted sums of pixels, of the input, as tables of rows and columns
 * say.
 */
#include "states.h"

#include "../port.h"

enum { TABLE_ROWS = 1, TABLE_COLUMNS = 2 };                                             /* operands of gather2d */
enum { ROWS = 1, ROW_WEIGHTS = 2, COLUMNS = 3, COLUMN_WEIGHTS = 4, MOST_TAPS = 8 }; /* of resize2d */

/* The image, of one of the types, and the output's dims [outputs of rows, of columns, C]. */
static bnn_status check_image(const struct bnn_op *op, int bits, uint32_t rows, uint32_t columns, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    struct bnn_view row = bnn_op_input(op, rows), column = bnn_op_input(op, columns);
    BNN_REQUIRE(OPERAND, x.type == BNN_TYPE_F32 || (bits && x.type == BNN_TYPE_BITS), "x: wrong type");
    BNN_REQUIRE(OPERAND, x.rank == 3, "x: must be [H, W, C]");
    const uint32_t dims[3] = {row.dims[0], column.dims[0], x.dims[2]};
    BNN_REQUIRE(OPERAND, out.type == x.type && bnn_same_dims(&out, 3, dims), "output: wrong type or dims");
    return BNN_OK;
}

static bnn_status check_table(const struct bnn_op *op, uint32_t operand, uint32_t rank, uint32_t below, bnn_error *error)
{
    struct bnn_view table = bnn_op_input(op, operand);
    BNN_REQUIRE(OPERAND, table.type == BNN_TYPE_I32 && table.constant && table.rank == rank,
                "rows, columns: must be constant I32, [outputs] of gather2d, [outputs, taps] of resize2d");
    const uint64_t count = bnn_elements(&table);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t index;
        bnn_memcpy(&index, table.data + 4 * i, sizeof index);
        if (index >= below) {
            return bnn_data_error(&table, "rows, columns: there is no such row or column in x", error);
        }
    }
    return BNN_OK;
}

static bnn_status check_gather(const struct bnn_op *op, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0);
    bnn_status status = check_image(op, 1, TABLE_ROWS, TABLE_COLUMNS, error);
    if (status == BNN_OK) {
        status = check_table(op, TABLE_ROWS, 1, x.dims[0], error);
    }
    return status == BNN_OK ? check_table(op, TABLE_COLUMNS, 1, x.dims[1], error) : status;
}

static bnn_status check_weights(const struct bnn_op *op, uint32_t operand, uint32_t taps, bnn_error *error)
{
    struct bnn_view table = bnn_op_input(op, operand), weights = bnn_op_input(op, operand + 1);
    BNN_REQUIRE(OPERAND, table.dims[1] == taps && taps <= MOST_TAPS, "rows, columns: must have the same 1..8 taps");
    BNN_REQUIRE(OPERAND, weights.type == BNN_TYPE_F32 && weights.constant && bnn_same_dims(&weights, 2, table.dims),
                "weights: must be constant F32 of the dims of their table");
    return BNN_OK;
}

static bnn_status check_resize(const struct bnn_op *op, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0);
    const uint32_t taps = bnn_op_input(op, ROWS).dims[1];
    bnn_status status = check_image(op, 0, ROWS, COLUMNS, error);
    for (uint32_t axis = 0; axis < 2 && status == BNN_OK; axis++) {
        const uint32_t operand = axis == 0 ? ROWS : COLUMNS;
        status = check_table(op, operand, 2, x.dims[axis], error);
        if (status == BNN_OK) {
            status = check_weights(op, operand, taps, error);
        }
    }
    return status;
}

static const int32_t *table_of(const struct bnn_op *op, uint32_t operand)
{
    return (const int32_t *)(const void *)bnn_op_input(op, operand).data;
}

static const float *weights_of(const struct bnn_op *op, uint32_t operand)
{
    return (const float *)(const void *)bnn_op_input(op, operand).data;
}

static struct bnn_resize_state state_of(const struct bnn_op *op)
{
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    return (struct bnn_resize_state){
        .x = x.data,
        .out = out.memory,
        .in = {x.dims[0], x.dims[1]},
        .size = {out.dims[0], out.dims[1]},
        .channels = x.dims[2],
        .is_bits = x.type == BNN_TYPE_BITS,
    };
}

static const void *take(struct bnn_resize_state s, struct bnn_build *build)
{
    struct bnn_resize_state *state = bnn_take(build, 1, sizeof *state);
    if (state != NULL) {
        *state = s;
    }
    return state;
}

static const void *bind_gather(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_resize_state s = state_of(op);
    s.rows = table_of(op, TABLE_ROWS);
    s.columns = table_of(op, TABLE_COLUMNS);
    return take(s, build);
}

static const void *bind_resize(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_resize_state s = state_of(op);
    s.taps = bnn_op_input(op, ROWS).dims[1];
    s.rows = table_of(op, ROWS);
    s.columns = table_of(op, COLUMNS);
    s.row_weights = weights_of(op, ROW_WEIGHTS);
    s.column_weights = weights_of(op, COLUMN_WEIGHTS);
    return take(s, build);
}

/* A plane of pixels of `bytes` bytes. */
static void gather_plane(const struct bnn_resize_state *s, uint8_t *out, const uint8_t *x, size_t bytes)
{
    for (size_t y = 0; y < s->size[0]; y++) {
        const uint8_t *line = x + (size_t)s->rows[y] * s->in[1] * bytes;
        for (size_t i = 0; i < s->size[1]; i++, out += bytes) {
            bnn_memcpy(out, line + (size_t)s->columns[i] * bytes, bytes);
        }
    }
}

void bnn_gather2d_run(const void *state, uint8_t *scratch)
{
    (void)scratch;
    const struct bnn_resize_state *s = state;
    if (!s->is_bits) {
        gather_plane(s, s->out, s->x, s->channels * sizeof(float));
        return;
    }
    const size_t in = s->in[0] * s->in[1], out = s->size[0] * s->size[1];
    for (size_t c = 0; c < s->channels; c += 128) {
        const size_t before = c / 8;
        gather_plane(s, s->out + before * out, s->x + before * in, bnn_group_size((uint32_t)(s->channels - c)));
    }
}

/* out = out + w * v, or w * v if it is the first. */
static void accumulate(float *out, const float *v, size_t n, float w, int first)
{
    for (size_t c = 0; c < n; c++) {
        const float product = w * v[c];
        out[c] = first ? product : out[c] + product;
    }
}

/* Channels from `at` of one output pixel: each row's sum over its columns, then the sum over the rows. */
static void resize_pixel(const struct bnn_resize_state *s, float *out, size_t y, size_t i, size_t at, size_t n)
{
    const float *x = (const float *)(const void *)s->x + at;
    const size_t row = y * s->taps, column = i * s->taps;
    float line[128];
    for (size_t r = 0; r < s->taps; r++) {
        const float *pixels = x + (size_t)s->rows[row + r] * s->in[1] * s->channels;
        for (size_t t = 0; t < s->taps; t++) {
            const float *pixel = pixels + (size_t)s->columns[column + t] * s->channels;
            accumulate(line, pixel, n, s->column_weights[column + t], t == 0);
        }
        accumulate(out, line, n, s->row_weights[row + r], r == 0);
    }
    for (size_t c = 0; c < n; c++) {
        out[c] += 0.0f; /* no -0.0 */
    }
}

void bnn_resize2d_run(const void *state, uint8_t *scratch)
{
    (void)scratch;
    const struct bnn_resize_state *s = state;
    float *out = (float *)(void *)s->out;
    for (size_t y = 0; y < s->size[0]; y++) {
        for (size_t i = 0; i < s->size[1]; i++, out += s->channels) {
            for (size_t c = 0; c < s->channels; c += 128) {
                const size_t rest = s->channels - c;
                resize_pixel(s, out + c, y, i, c, rest < 128 ? rest : 128);
            }
        }
    }
}

const struct bnn_op_code bnn_op_gather2d = {BNN_CHECK(check_gather), bind_gather, bnn_gather2d_run};
const struct bnn_op_code bnn_op_resize2d = {BNN_CHECK(check_resize), bind_resize, bnn_resize2d_run};

/* SPDX-License-Identifier: BSD-3-Clause */
#include "steps.h"

#include "../port.h"

#define PARTS_PER_WORKER 4 /* more than one, so that a worker that is held up does not hold up all */

static size_t ceiling(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* What a step takes and gives. */
struct step_rule {
    uint8_t operands;    /* inputs */
    uint8_t emits;       /* type of its output, 0: none */
    uint8_t changes;     /* it computes a new v */
    uint8_t infinite;    /* its first operand may be infinite */
    uint8_t types[2];
    uint8_t extents[2];  /* of the operand */
};
enum extent { TENSOR = 0, PER_CHANNEL, LIMITS, ONE };

static const struct step_rule rules[BNN_STEP_COUNT] = {
    [BNN_STEP_AFFINE] = {2, 0, 1, 0, {BNN_TYPE_F32, BNN_TYPE_F32}, {PER_CHANNEL, PER_CHANNEL}},
    [BNN_STEP_CLIP] = {1, 0, 1, 1, {BNN_TYPE_F32}, {LIMITS}},
    [BNN_STEP_PRELU] = {1, 0, 1, 0, {BNN_TYPE_F32}, {PER_CHANNEL}},
    [BNN_STEP_ADD] = {1, 0, 1, 0, {BNN_TYPE_F32}, {TENSOR}},
    [BNN_STEP_SIGN] = {2, 0, 1, 1, {BNN_TYPE_F32, BNN_TYPE_U8}, {PER_CHANNEL, PER_CHANNEL}},
    [BNN_STEP_EMIT_F32] = {0, BNN_TYPE_F32, 0, 0, {0}, {0}},
    [BNN_STEP_EMIT_SIGN] = {0, BNN_TYPE_BITS, 0, 0, {0}, {0}},
    [BNN_STEP_EMIT_BITS] = {2, BNN_TYPE_BITS, 0, 1, {BNN_TYPE_F32, BNN_TYPE_U8}, {PER_CHANNEL, PER_CHANNEL}},
    [BNN_STEP_EMIT_INT] = {1, BNN_TYPE_BITS, 0, 0, {BNN_TYPE_I32}, {PER_CHANNEL}},
    [BNN_STEP_FUNCTION] = {1, 0, 1, 0, {BNN_TYPE_I32}, {ONE}},
    [BNN_STEP_MUL] = {1, 0, 1, 0, {BNN_TYPE_F32}, {TENSOR}},
    [BNN_STEP_SUB] = {1, 0, 1, 0, {BNN_TYPE_F32}, {TENSOR}},
    [BNN_STEP_DIV] = {1, 0, 1, 0, {BNN_TYPE_F32}, {TENSOR}},
    [BNN_STEP_MAX] = {1, 0, 1, 0, {BNN_TYPE_F32}, {TENSOR}},
    [BNN_STEP_MIN] = {1, 0, 1, 0, {BNN_TYPE_F32}, {TENSOR}},
    [BNN_STEP_EMIT_I8] = {2, BNN_TYPE_I8, 0, 0, {BNN_TYPE_F32, BNN_TYPE_I32}, {ONE, ONE}},
};

/* Number of steps, at most BNN_MAX_STEPS. */
static uint32_t step_count(const struct bnn_op *op)
{
    uint32_t count = 0;
    while (count < BNN_MAX_STEPS && bnn_op_step(op, count) != BNN_STEP_END) {
        count++;
    }
    return count;
}

/* Order of the steps, and numbers of operands. */
static bnn_status check_program(const struct bnn_op *op, uint32_t own, const struct bnn_value *value, bnn_error *error)
{
    uint32_t inputs = own, outputs = 0, count = step_count(op), changed = !value->may_be_minus_zero;
    for (uint32_t i = 0; i < BNN_MAX_STEPS; i++) {
        uint32_t code = bnn_op_step(op, i);
        BNN_REQUIRE(ATTRIBUTE, code < BNN_STEP_COUNT, "steps: there is no such step");
        BNN_REQUIRE(ATTRIBUTE, i < count || code == BNN_STEP_END, "steps: a step behind the end of the program");
        BNN_REQUIRE(ATTRIBUTE, code != BNN_STEP_EMIT_INT || (i == 0 && value->integer),
                    "steps: EMIT_INT can only be the first step of bconv2d and bdense");
        BNN_REQUIRE(ATTRIBUTE, code != BNN_STEP_EMIT_SIGN || changed,
                    "steps: EMIT_SIGN of pointwise needs a step before it that computes");
        inputs += rules[code].operands;
        outputs += rules[code].emits != 0;
        changed |= rules[code].changes;
    }
    BNN_REQUIRE(ATTRIBUTE, outputs > 0, "steps: a program must emit something");
    BNN_REQUIRE(OP, op->inputs == inputs, "inputs: not the number that the steps use");
    BNN_REQUIRE(OP, op->outputs == outputs, "outputs: not the number that the steps use");
    BNN_REQUIRE(OPERAND, value->pixels <= BNN_DAB_MAX_BYTES && value->channels <= BNN_DAB_MAX_BYTES,
                "output: would be larger than any tensor");
    return BNN_OK;
}

static int ordered(const struct bnn_view *limits)
{
    float bounds[2];
    bnn_memcpy(bounds, limits->data, sizeof bounds);
    return bounds[0] <= bounds[1];
}

static int positive(const struct bnn_view *scale)
{
    float value;
    bnn_memcpy(&value, scale->data, sizeof value);
    return value > 0;
}

static int small(const struct bnn_view *zero)
{
    int32_t value;
    bnn_memcpy(&value, zero->data, sizeof value);
    return value >= -128 && value <= 127;
}

static uint32_t function_of(const void *code)
{
    uint32_t function;
    bnn_memcpy(&function, code, sizeof function);
    return function;
}

/* How an operand that may be an activation spreads over v; SPREAD_NONE: not at all. */
static enum bnn_spread spread_of(const struct bnn_view *view, const struct bnn_value *value)
{
    const uint64_t elements = bnn_elements(view), last = view->dims[view->rank - 1];
    if (elements == value->pixels * value->channels) {
        return BNN_SPREAD_ELEMENTS;
    }
    if (elements == value->channels && last == value->channels) {
        return BNN_SPREAD_CHANNELS;
    }
    if (elements == 1) {
        return BNN_SPREAD_ONE;
    }
    return elements == value->pixels && last == 1 ? BNN_SPREAD_PIXELS : BNN_SPREAD_NONE;
}

static bnn_status check_operand(const struct bnn_op *op, uint32_t code, uint32_t which, const struct bnn_view *view,
                                const struct bnn_value *value, bnn_error *error)
{
    const struct step_rule *rule = &rules[code];
    const enum extent extent = (enum extent)rule->extents[which];
    BNN_REQUIRE(OPERAND, view->type == (bnn_type)rule->types[which], "step operand: wrong type");
    if (extent == TENSOR) {
        BNN_REQUIRE(OPERAND, spread_of(view, value) != BNN_SPREAD_NONE,
                    "step operand: must have as many elements as v, or one for each channel, for each pixel, or for all");
    } else {
        const uint64_t elements = extent == PER_CHANNEL ? value->channels : extent == LIMITS ? 2 : 1;
        BNN_REQUIRE(OPERAND, view->constant, "step operand: must be a constant");
        BNN_REQUIRE(OPERAND, view->rank == 1 && view->dims[0] == elements,
                    "step operand: must have one element per channel (CLIP limits: two, FUNCTION, EMIT_I8: one)");
    }
    if (view->infinite && !rule->infinite) {
        return bnn_data_error(view, "floats must be finite", error);
    }
    if (code == BNN_STEP_CLIP && !ordered(view)) {
        return bnn_data_error(view, "CLIP limits must be ordered", error);
    }
    if (code == BNN_STEP_FUNCTION && (function_of(view->data) == 0 || function_of(view->data) >= BNN_FUNCTION_COUNT)) {
        return bnn_data_error(view, "there is no such function", error);
    }
    if (code == BNN_STEP_EMIT_I8 && !(which == 0 ? positive(view) : small(view))) {
        return bnn_data_error(view, which == 0 ? "a scale must be above 0" : "a zero point must be -128..127", error);
    }
    return BNN_OK;
}

static bnn_status check_output(const struct bnn_op *op, uint32_t type, const struct bnn_view *view,
                               const struct bnn_value *value, bnn_error *error)
{
    BNN_REQUIRE(OPERAND, view->type == (bnn_type)type, "output: not the type that the step emits");
    BNN_REQUIRE(OPERAND, bnn_elements(view) == value->pixels * value->channels, "output: wrong number of elements");
    if (type == BNN_TYPE_BITS) {
        BNN_REQUIRE(OPERAND, view->dims[2] == value->channels, "output: wrong number of channels");
        BNN_REQUIRE(OPERAND, value->height == 0 || (view->dims[0] == value->height && view->dims[1] == value->width),
                    "output: wrong height or width");
    }
    return BNN_OK;
}

bnn_status bnn_steps_check(const struct bnn_op *op, uint32_t own, const struct bnn_value *value, bnn_error *error)
{
    bnn_status status = check_program(op, own, value, error);
    uint32_t input = own, output = 0, count = step_count(op);
    for (uint32_t i = 0; status == BNN_OK && i < count; i++) {
        uint32_t code = bnn_op_step(op, i);
        for (uint32_t k = 0; status == BNN_OK && k < rules[code].operands; k++) {
            struct bnn_view view = bnn_op_input(op, input++);
            status = check_operand(op, code, k, &view, value, error);
        }
        if (status == BNN_OK && rules[code].emits != 0) {
            struct bnn_view view = bnn_op_output(op, output++);
            status = check_output(op, rules[code].emits, &view, value, error);
        }
    }
    return status;
}

size_t bnn_slab_bits(const struct bnn_slab *slab, size_t pixels, size_t *step)
{
    *step = bnn_group_size((uint32_t)slab->channels);
    return slab->channel / 128 * 16 * pixels + slab->pixel * *step;
}

static struct bnn_slab slab_at(const struct bnn_steps *steps, size_t channel, size_t pixel)
{
    size_t channels = steps->channels - channel, pixels = steps->pixels - pixel;
    return (struct bnn_slab){
        .pixel = pixel,
        .pixels = pixels < steps->limit ? pixels : steps->limit,
        .channel = channel,
        .channels = channels < 128 ? channels : 128,
    };
}

const uint8_t *bnn_pack_flips(const uint8_t *flips, size_t channels, struct bnn_build *build)
{
    const uint32_t count = (uint32_t)channels;
    uint8_t *packed = bnn_take(build, bnn_group_bytes(count), 1);
    if (packed != NULL) {
        bnn_memset(packed, 0, bnn_group_bytes(count));
        for (uint32_t c = 0; c < count; c++) {
            uint32_t before = c / 128 * 128, k = c - before;
            uint32_t size = bnn_group_size(count - before < 128 ? count - before : 128);
            packed[before / 8 + bnn_bit_byte(k, size)] |= (uint8_t)(flips[c] << bnn_bit_shift(k, size));
        }
    }
    return packed;
}

/* v lives in the last F32 output, if it is final there: takes that output's step out of the program. */
static void choose_home(struct bnn_steps *s, struct bnn_step *program)
{
    for (uint32_t i = s->count; i-- > 0 && !rules[program[i].code].changes;) {
        if (program[i].code == BNN_STEP_EMIT_F32) {
            s->has_home = 1;
            s->home = (float *)(void *)program[i].out;
            s->count--;
            for (; i < s->count; i++) {
                program[i] = program[i + 1];
            }
            return;
        }
    }
}

/* An AFFINE that changes nothing, for ops that expect one. */
static void take_identity(struct bnn_steps *s, struct bnn_build *build)
{
    float *mul = bnn_take(build, s->channels, sizeof *mul), *add = bnn_take(build, s->channels, sizeof *add);
    for (size_t c = 0; mul != NULL && add != NULL && c < s->channels; c++) {
        mul[c] = 1;
        add[c] = 0;
    }
    s->mul = mul;
    s->add = add;
}

void bnn_steps_bind(struct bnn_steps *s, const struct bnn_op *op, uint32_t own, const struct bnn_value *value,
                    size_t pixels_per_row, struct bnn_build *build)
{
    struct bnn_step program[BNN_MAX_STEPS];
    uint32_t input = own, output = 0, count = step_count(op);
    *s = (struct bnn_steps){
        .kernels = build->kernels,
        .team = build->team,
        .pixels = (size_t)value->pixels,
        .channels = (size_t)value->channels,
    };
    for (uint32_t i = 0; i < count; i++) {
        struct bnn_step step = {.code = (enum bnn_step_code)bnn_op_step(op, i)};
        const struct step_rule *rule = &rules[step.code];
        step.a = rule->operands > 0 ? bnn_op_input(op, input).data : NULL;
        step.b = rule->operands > 1 ? bnn_op_input(op, input + 1).data : NULL;
        if (rule->operands > 0) {
            const struct bnn_view view = bnn_op_input(op, input);
            step.spread = spread_of(&view, value);
        }
        step.out = rule->emits != 0 ? bnn_op_output(op, output).memory : NULL;
        input += rule->operands;
        output += rule->emits != 0;
        if (step.code == BNN_STEP_EMIT_INT) {
            s->int_threshold = step.a;
            s->int_out = step.out;
        } else if (step.code == BNN_STEP_AFFINE && (value->integer || value->takes_affine) && !s->floats) {
            s->mul = step.a;
            s->add = step.b;
            s->floats = 1;
        } else {
            if (step.code == BNN_STEP_EMIT_BITS) {
                step.b = bnn_pack_flips(step.b, s->channels, build);
            }
            program[s->count++] = step;
            s->floats = 1;
        }
    }
    if (s->floats && value->integer && s->mul == NULL) {
        take_identity(s, build);
    }
    choose_home(s, program);
    struct bnn_step *kept = s->count > 0 ? bnn_take(build, s->count, sizeof program[0]) : NULL;
    if (kept != NULL) {
        bnn_memcpy(kept, program, s->count * sizeof program[0]);
    }
    s->step = kept;
    const size_t most = s->count > 0 ? BNN_RUN : 2 * BNN_RUN;
    s->limit = pixels_per_row < most ? most / pixels_per_row * pixels_per_row : most;
    if (value->integer && build->workers > 1) {
        /* Integers are the same wherever slabs begin: at least one for each worker, and all of about the same size. */
        const size_t row = pixels_per_row < s->limit ? pixels_per_row : 1, slabs = ceiling(s->pixels, s->limit);
        const size_t wanted = ceiling(build->workers, ceiling(s->channels, 128));
        s->limit = ceiling(s->pixels / row, slabs > wanted ? slabs : wanted) * row;
    }
}

uint64_t bnn_steps_tile(const struct bnn_steps *s)
{
    struct bnn_slab largest = slab_at(s, 0, 0);
    return s->floats && !s->has_home ? (uint64_t)largest.pixels * largest.channels * sizeof(float) : 0;
}

float *bnn_steps_place(const struct bnn_steps *s, const struct bnn_slab *slab, float *tile, size_t *step)
{
    *step = (s->has_home ? s->channels : slab->channels) * sizeof(float);
    return s->has_home ? s->home + slab->pixel * s->channels + slab->channel : tile;
}

static void copy_rows(float *out, size_t out_step, const float *v, size_t v_step, const struct bnn_slab *slab)
{
    for (size_t p = 0; p < slab->pixels; p++) {
        bnn_memcpy((uint8_t *)out + p * out_step, (const uint8_t *)v + p * v_step, slab->channels * sizeof(float));
    }
}

/* The kernel of a step with an operand that may be an activation, or NULL. */
static bnn_step_add_fn *kernel_of_two(const struct bnn_kernels *kernels, enum bnn_step_code code)
{
    switch (code) {
    case BNN_STEP_ADD: return kernels->step_add;
    case BNN_STEP_MUL: return kernels->step_mul;
    case BNN_STEP_SUB: return kernels->step_sub;
    case BNN_STEP_DIV: return kernels->step_div;
    case BNN_STEP_MAX: return kernels->step_max;
    case BNN_STEP_MIN: return kernels->step_min;
    default: return NULL;
    }
}

/* A step of v and another tensor, whose elements are repeated as `spread` says. */
static void run_of_two(const struct bnn_steps *s, const struct bnn_step *step, const struct bnn_slab *slab,
                       const struct bnn_tile *tile, float *place, const float *v)
{
    bnn_step_add_fn *kernel = kernel_of_two(s->kernels, step->code);
    const float *other = step->a;
    if (step->spread == BNN_SPREAD_ELEMENTS) {
        kernel(place, v, tile, other + slab->pixel * s->channels + slab->channel, s->channels * sizeof(float));
        return;
    }
    if (step->spread == BNN_SPREAD_CHANNELS) {
        kernel(place, v, tile, other + slab->channel, 0);
        return;
    }
    const size_t by = step->spread == BNN_SPREAD_PIXELS;
    const struct bnn_tile one = {1, tile->channels, tile->out_step, tile->x_step};
    float row[128]; /* the channels of a slab, at most */
    for (size_t p = 0; p < slab->pixels; p++) {
        for (size_t c = 0; c < slab->channels; c++) {
            row[c] = other[(slab->pixel + p) * by];
        }
        kernel((float *)(void *)((uint8_t *)place + p * tile->out_step),
               (const float *)(const void *)((const uint8_t *)v + p * tile->x_step), &one, row, 0);
    }
}

void bnn_steps_run(const struct bnn_steps *s, const struct bnn_slab *slab, const float *v, size_t v_step, float *place,
                   size_t place_step)
{
    const struct bnn_kernels *kernels = s->kernels;
    const size_t c = slab->channel, row = s->channels * sizeof(float), first = slab->pixel * s->channels + c;
    struct bnn_tile tile = {slab->pixels, slab->channels, place_step, v_step};
    size_t bits_step;
    const size_t bits = bnn_slab_bits(slab, s->pixels, &bits_step);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct bnn_step *step = &s->step[i];
        const float *a = step->a;
        switch (step->code) {
        case BNN_STEP_AFFINE: kernels->step_affine(place, v, &tile, a + c, (const float *)step->b + c); break;
        case BNN_STEP_CLIP: kernels->step_clip(place, v, &tile, a); break;
        case BNN_STEP_PRELU: kernels->step_prelu(place, v, &tile, a + c); break;
        case BNN_STEP_FUNCTION: kernels->step_function(place, v, &tile, function_of(a)); break;
        case BNN_STEP_SIGN: kernels->step_sign(place, v, &tile, a + c, (const uint8_t *)step->b + c); break;
        case BNN_STEP_EMIT_F32: copy_rows((float *)(void *)step->out + first, row, v, tile.x_step, slab); break;
        case BNN_STEP_EMIT_SIGN: kernels->pack_sign(step->out + bits, v, slab->pixels, tile.x_step, slab->channels); break;
        case BNN_STEP_EMIT_BITS: {
            const struct bnn_threshold t = {a + c, (const uint8_t *)step->b + c / 8};
            kernels->pack_threshold(step->out + bits, v, slab->pixels, tile.x_step, slab->channels, &t);
            break;
        }
        case BNN_STEP_EMIT_I8: {
            const struct bnn_tile rows = {slab->pixels, slab->channels, s->channels, tile.x_step};
            const struct bnn_tile one = {.pixels = 1, .channels = slab->pixels * slab->channels};
            const int whole = slab->channels == s->channels && tile.x_step == row; /* few channels are dear row by row */
            kernels->pack_i8((int8_t *)step->out + first, v, whole ? &one : &rows, a, step->b);
            break;
        }
        case BNN_STEP_ADD:
        case BNN_STEP_MUL:
        case BNN_STEP_SUB:
        case BNN_STEP_DIV:
        case BNN_STEP_MAX:
        case BNN_STEP_MIN: run_of_two(s, step, slab, &tile, place, v); break;
        default: break; /* END and EMIT_INT are not in a bound program */
        }
        if (rules[step->code].changes) {
            v = place;
            tile.x_step = place_step;
        }
    }
    if (s->has_home && v != place) {
        copy_rows(place, place_step, v, tile.x_step, slab);
    }
}

/* Slabs of a plane, in parts: pixels of a slab x channels. */
struct slabs {
    const struct bnn_steps *steps;
    bnn_slab_fn *run;
    const void *state;
    size_t parts;    /* of the channels */
    size_t channels; /* of each part */
};

static void run_slabs(const void *job, uint32_t part, uint8_t *scratch)
{
    const struct slabs *slabs = job;
    const struct bnn_steps *s = slabs->steps;
    const size_t first = part % slabs->parts * slabs->channels, left = s->channels - first;
    const size_t channels = left < slabs->channels ? left : slabs->channels;
    for (size_t c = 0; c < channels; c += 128) {
        struct bnn_slab slab = slab_at(s, first + c, part / slabs->parts * s->limit);
        slab.fresh = c == 0 ? channels : 0;
        slabs->run(slabs->state, &slab, scratch);
    }
}

void bnn_each_slab(const struct bnn_steps *s, bnn_slab_fn *run, const void *state, uint8_t *scratch)
{
    const size_t slabs = ceiling(s->pixels, s->limit), groups = ceiling(s->channels, 128), workers = s->team->workers;
    struct slabs job = {.steps = s, .run = run, .state = state, .parts = 1};
    if (s->apart && workers > 1) {
        const size_t wanted = ceiling(PARTS_PER_WORKER * workers, slabs);
        job.parts = wanted < groups ? wanted : groups;
    }
    job.channels = ceiling(groups, job.parts) * 128;
    job.parts = ceiling(groups * 128, job.channels);
    bnn_share(s->team, run_slabs, &job, (uint32_t)(slabs * job.parts), scratch);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A network in firmware: the digits of examples/digits, classified on a bare microcontroller. The model stays in flash; all
 * memory it needs is one array.
 */
#include <bnn/bnn.h>

#include "board.h"
#include "data.h"

static _Alignas(BNN_ALIGNMENT) unsigned char arena[ARENA_BYTES];

static int fail(const char *what)
{
    board_print(what);
    board_print("\n");
    return 1;
}

static uint32_t largest(const float *x, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

int main(void)
{
    bnn_model model;
    bnn_plan *plan;
    bnn_error error;
    size_t needed;
    if (bnn_model_init(&model, digits_model, DIGITS_MODEL_BYTES, &error) != BNN_OK ||
        bnn_plan_size(&model, NULL, &needed, &error) != BNN_OK) {
        return fail(error.what);
    }
    board_print_number("arena bytes: ", (uint32_t)needed);
    if (bnn_plan_init(&plan, &model, NULL, arena, sizeof arena, &error) != BNN_OK) {
        return fail(error.what);
    }
    uint32_t right = 0;
    uint64_t ticks = 0;
    for (uint32_t i = 0; i < DIGITS_IMAGES; i++) {
        float *input = bnn_plan_input(plan, 0);
        for (uint32_t k = 0; k < DIGITS_PIXELS; k++) {
            input[k] = (float)digits_images[i * DIGITS_PIXELS + k] / 16; /* bytes 0 to 16, for the network 0 to 1 */
        }
        const uint32_t begin = board_ticks();
        bnn_run(plan);
        ticks += board_ticks_since(begin);
        right += largest(bnn_plan_output(plan, 0), 10) == digits_labels[i];
    }
    board_print_number("ticks per inference: ", (uint32_t)(ticks / DIGITS_IMAGES));
    board_print_number("stack bytes: ", board_stack_used());
    board_print_number("images right: ", right);
    return right == DIGITS_RIGHT ? 0 : fail("wrong: the computer that converted the network had another number right");
}

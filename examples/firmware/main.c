/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A network in firmware: the digits of examples/digits, classified on a bare microcontroller.
 */
#include "board.h"
#include "data.h"
#include "network.h"

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
    const char *wrong = network_start();
    if (wrong != NULL) {
        return fail(wrong);
    }
    board_print_number("arena bytes: ", network_arena_bytes());
    uint32_t right = 0;
    uint64_t ticks = 0;
    for (uint32_t i = 0; i < DIGITS_IMAGES; i++) {
        float image[1][1][8][8], logits[1][10];
        for (uint32_t k = 0; k < 64; k++) {
            image[0][0][k / 8][k % 8] = (float)digits_images[i * 64 + k] / 16; /* bytes 0 to 16, for the network 0 to 1 */
        }
        const uint32_t begin = board_ticks();
        network_run((const float (*)[1][8][8])image, logits);
        ticks += board_ticks_since(begin);
        right += largest(logits[0], 10) == digits_labels[i];
    }
    board_print_number("ticks per inference: ", (uint32_t)(ticks / DIGITS_IMAGES));
    board_print_number("stack bytes: ", board_stack_used());
    board_print_number("images right: ", right);
    return right == DIGITS_RIGHT ? 0 : fail("wrong: the computer that converted the network had another number right");
}

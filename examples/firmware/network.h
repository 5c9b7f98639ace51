/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The digits network, in one of two ways: written as calls when it was converted (unrolled.c), or loaded from the .dab file and
 * planned on the board (loaded.c).
 */
#ifndef NETWORK_H
#define NETWORK_H

#include <stddef.h>
#include <stdint.h>

/* Makes it ready; NULL, or what is wrong. */
const char *network_start(void);

/* Bytes of memory that it works in. */
uint32_t network_arena_bytes(void);

/* An image of 8 x 8 pixels, 0 to 1, to a number for each digit. */
void network_run(const float image[1][1][8][8], float logits[1][10]);

#endif

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The chain as it is defined: prefix sums modulo 2, and popcounts of what they are sums of.
 */
#include "../port.h"
#include "xnor.h"

#define VECTOR 16 /* bytes */

static size_t vectors_of(size_t wide, size_t narrow)
{
    return wide + (narrow + 1) / 2;
}

/* Vector i: 16 bytes, or 8 and, unless it is one tap too many, 8 more. */
static void join(uint8_t v[VECTOR], const uint8_t *first, const uint8_t *second, int is_wide)
{
    bnn_memset(v, 0, VECTOR);
    bnn_memcpy(v, first, is_wide ? VECTOR : VECTOR / 2);
    if (second != NULL) {
        bnn_memcpy(v + VECTOR / 2, second, VECTOR / 2);
    }
}

/* s[i] from sum = s[i - 1] and v[i], which becomes it; sum becomes the next sum. */
static void prefix(uint8_t sum[VECTOR], uint8_t v[VECTOR], size_t i, size_t vectors)
{
    for (size_t k = 0; k < VECTOR; k++) {
        sum[k] ^= v[k];
    }
    if (i + 1 < vectors || vectors % 2 != 0) {
        bnn_memcpy(v, sum, VECTOR);
    }
}

void bnn_chain_panel_c(uint8_t *out, const uint8_t *wide, const uint8_t *narrow, const struct bnn_chain *p, size_t column,
                       size_t pixels)
{
    const size_t vectors = vectors_of(p->wide, p->narrow);
    for (size_t pixel = 0; pixel < pixels + pixels % 2; pixel++) {
        const size_t place = column + (pixel < pixels ? pixel : pixels - 1);
        const size_t at = place / p->width * p->row_step + place % p->width * p->pixel_step - column * p->pixel_step;
        uint8_t *to = out + pixel / 2 * 2 * VECTOR * vectors + pixel % 2 * VECTOR, sum[VECTOR] = {0};
        for (size_t i = 0; i < vectors; i++, to += (size_t)2 * VECTOR) {
            const size_t tap = i < p->wide ? i : p->wide + 2 * (i - p->wide);
            const uint8_t *x = i < p->wide ? wide + 2 * at : narrow + at;
            const int two = i >= p->wide && tap + 1 < p->wide + p->narrow;
            join(to, x + p->taps[tap], two ? x + p->taps[tap + 1] : NULL, i < p->wide);
            prefix(sum, to, i, vectors);
        }
    }
}

/* Offset of s[i] of output j in the weights, and what its bytes are xored with. */
static size_t place_of(size_t i, size_t j, size_t vectors, uint8_t *flip)
{
    const size_t pairs = (vectors - 1) / 2, pair = (i + 1) / 2, up = pairs >= pair && (pairs - pair) % 2 != 0;
    *flip = i % 2 == 0 && up ? 0xff : 0;
    if (i == 0 || pair > pairs) {
        return (8 * i + j) * VECTOR;
    }
    return (8 * (2 * pair - 1) + 2 * (up ? 7 - j : j) + (i % 2 == 0)) * VECTOR;
}

void bnn_chain_weights_c(uint8_t *out, const uint8_t *w, size_t wide, size_t narrow)
{
    const size_t vectors = vectors_of(wide, narrow), half = VECTOR / 2;
    for (size_t j = 0; j < 8; j++) {
        uint8_t sum[VECTOR] = {0}, flip;
        for (size_t i = 0; i < vectors; i++) {
            const size_t tap = i < wide ? i : 2 * (i - wide), size = i < wide ? VECTOR : half;
            const uint8_t *first = w + (i < wide ? 0 : 8 * VECTOR * wide) + (8 * tap + j) * size;
            uint8_t *to = out + place_of(i, j, vectors, &flip);
            join(to, first, i >= wide && tap + 1 < narrow ? first + 8 * half : NULL, i < wide);
            prefix(sum, to, i, vectors);
            for (size_t k = 0; k < VECTOR; k++) {
                to[k] ^= flip;
            }
        }
    }
}

void bnn_bchain_c(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t pixels)
{
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        const uint8_t *s = x + pixel / 2 * 2 * VECTOR * vectors + pixel % 2 * VECTOR;
        for (size_t j = 0; j < 8 && vectors > 0; j++) {
            uint8_t before[VECTOR] = {0}, flip;
            size_t count = 0;
            for (size_t i = 0; i < vectors; i++) {
                const uint8_t *sw = w + place_of(i, j, vectors, &flip);
                const int alone = i + 1 == vectors && vectors % 2 == 0;
                bnn_word ones = 0;
                for (size_t k = 0; k < VECTOR; k++) {
                    uint8_t now = (uint8_t)(s[2 * VECTOR * i + k] ^ sw[k] ^ flip);
                    ones += bnn_ones_per_byte(alone ? now : now ^ before[k]);
                    before[k] = now;
                }
                count += ones;
            }
            acc[8 * pixel + j] = (uint16_t)count;
        }
    }
}

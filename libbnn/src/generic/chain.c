/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The chain as it is defined: prefix sums modulo 2, and popcounts of what they are sums of.
 */
#include "../port.h"
#include "xnor.h"

#define TILE 32 /* bytes of a tile's vectors: 2 pixels of 16, or 4 of 8 */
#define WIDE 16
#define NARROW 8

/* s[i] from sum = s[i - 1] and v = v[i]; sum becomes the next sum. */
static void prefix(uint8_t *s, uint8_t *sum, const uint8_t *v, size_t size, size_t i, size_t vectors)
{
    const int alone = i + 1 == vectors && vectors % 2 == 0;
    for (size_t k = 0; k < size; k++) {
        sum[k] ^= v[k];
        s[k] = alone ? v[k] : sum[k];
    }
}

/* A vector of one wide tap, or of a narrow one and, unless that is NULL, a second. */
static void join(uint8_t *v, const uint8_t *first, const uint8_t *second, int is_wide)
{
    bnn_memset(v, 0, WIDE);
    bnn_memcpy(v, first, is_wide ? WIDE : NARROW);
    if (second != NULL) {
        bnn_memcpy(v + NARROW, second, NARROW);
    }
}

/* Bytes of narrow from the pixel in `column` to the one `pixel` further. */
static size_t distance(const struct bnn_chain *p, size_t column, size_t pixel)
{
    const size_t place = column + pixel;
    return place / p->width * p->row_step + place % p->width * p->pixel_step - column * p->pixel_step;
}

void bnn_chain_panel_c(uint8_t *out, const uint8_t *wide, const uint8_t *narrow, const struct bnn_chain *p, size_t column,
                       size_t pixels)
{
    const size_t vectors = p->wide + (p->narrow + 1) / 2, end = (pixels + 1) / 2 * 2;
    for (size_t pixel = 0; pixel < end; pixel++) {
        const size_t at = distance(p, column, pixel < pixels ? pixel : pixels - 1);
        uint8_t *to = out + pixel / 2 * TILE * vectors + pixel % 2 * WIDE, sum[WIDE] = {0}, v[WIDE];
        for (size_t i = 0; i < vectors; i++, to += TILE) {
            const size_t tap = i < p->wide ? i : p->wide + 2 * (i - p->wide);
            const uint8_t *x = i < p->wide ? wide + 2 * at : narrow + at;
            const int two = i >= p->wide && tap + 1 < p->wide + p->narrow;
            join(v, x + p->taps[tap], two ? x + p->taps[tap + 1] : NULL, i < p->wide);
            prefix(to, sum, v, WIDE, i, vectors);
        }
    }
}

void bnn_chain_panel64_c(uint8_t *out, const uint8_t *narrow, const struct bnn_chain *p, size_t column, size_t pixels)
{
    const size_t end = (pixels + 3) / 4 * 4;
    for (size_t pixel = 0; pixel < end; pixel++) {
        const uint8_t *x = narrow + distance(p, column, pixel < pixels ? pixel : pixels - 1);
        uint8_t *to = out + pixel / 4 * TILE * p->narrow + pixel % 4 * NARROW, sum[NARROW] = {0};
        for (size_t i = 0; i < p->narrow; i++, to += TILE) {
            prefix(to, sum, x + p->taps[i], NARROW, i, p->narrow);
        }
    }
}

/* Offset of s[i] of output j in the weights, and what its bytes are xored with. */
static size_t place_of(size_t i, size_t j, size_t vectors, uint8_t *flip)
{
    const size_t pairs = (vectors - 1) / 2, pair = (i + 1) / 2, up = pairs >= pair && (pairs - pair) % 2 != 0;
    *flip = i % 2 == 0 && up ? 0xff : 0;
    if (i == 0 || pair > pairs) {
        return (8 * i + j) * WIDE;
    }
    return (8 * (2 * pair - 1) + 2 * (up ? 7 - j : j) + (i % 2 == 0)) * WIDE;
}

static void put_weight(uint8_t *out, uint8_t *sum, const uint8_t *v, size_t i, size_t j, size_t vectors)
{
    uint8_t flip, *to = out + place_of(i, j, vectors, &flip);
    prefix(to, sum, v, WIDE, i, vectors);
    for (size_t k = 0; k < WIDE; k++) {
        to[k] ^= flip;
    }
}

void bnn_chain_weights_c(uint8_t *out, const uint8_t *w, size_t wide, size_t narrow)
{
    const size_t vectors = wide + (narrow + 1) / 2;
    for (size_t j = 0; j < 8; j++) {
        uint8_t sum[WIDE] = {0}, v[WIDE];
        for (size_t i = 0; i < vectors; i++) {
            const size_t tap = i < wide ? i : 2 * (i - wide), size = i < wide ? WIDE : NARROW;
            const uint8_t *first = w + (i < wide ? 0 : 8 * WIDE * wide) + (8 * tap + j) * size;
            join(v, first, i >= wide && tap + 1 < narrow ? first + (size_t)8 * NARROW : NULL, i < wide);
            put_weight(out, sum, v, i, j, vectors);
        }
    }
}

void bnn_chain_weights64_c(uint8_t *out, const uint8_t *w, size_t narrow)
{
    for (size_t j = 0; j < 8; j++) {
        uint8_t sum[WIDE] = {0}, v[WIDE];
        for (size_t i = 0; i < narrow; i++) {
            const uint8_t *tap = w + (8 * i + j) * NARROW;
            join(v, tap, tap, 0);
            put_weight(out, sum, v, i, j, narrow);
        }
    }
}

/* `size` is a constant in both callers. */
static inline void bchain(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t pixels, size_t size)
{
    const size_t tile_pixels = TILE / size;
    for (size_t pixel = 0; pixel < pixels && vectors > 0; pixel++) {
        const uint8_t *s = x + pixel / tile_pixels * TILE * vectors + pixel % tile_pixels * size;
        for (size_t j = 0; j < 8; j++) {
            uint8_t before[WIDE] = {0}, flip;
            size_t count = 0;
            for (size_t i = 0; i < vectors; i++) {
                const uint8_t *sw = w + place_of(i, j, vectors, &flip);
                const int alone = i + 1 == vectors && vectors % 2 == 0;
                for (size_t k = 0; k < size; k++) {
                    const uint8_t now = (uint8_t)(s[TILE * i + k] ^ sw[k] ^ flip);
                    count += bnn_ones_per_byte(alone ? now : now ^ before[k]);
                    before[k] = now;
                }
            }
            acc[8 * pixel + j] = (uint16_t)(acc[8 * pixel + j] + count);
        }
    }
}

void bnn_bchain_c(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t pixels)
{
    bchain(acc, x, w, vectors, pixels, WIDE);
}

void bnn_bchain64_c(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t pixels)
{
    bchain(acc, x, w, vectors, pixels, NARROW);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary dense: one vector of bits against blocks of 8 outputs.
 */
#include "ones_avx2.h"

#if BNN_ARCH_X86

BNN_AVX2 BNN_INLINE void dense(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                               size_t block_step, size_t words)
{
    for (size_t b = 0; b < blocks; b++, acc += 8, w += block_step) {
        struct bnn_ones s;
        bnn_ones_begin(&s, words);
        for (size_t v = 0; v < vectors; v++) {
            bnn_ones_count(&s, x + 8 * words * v, w + 64 * words * v, words);
        }
        bnn_ones_finish(acc, &s, words);
    }
}

BNN_AVX2 void bnn_bdense128_avx2(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                                 size_t block_step)
{
    dense(acc, x, w, vectors, blocks, block_step, 2);
}

BNN_AVX2 void bnn_bdense64_avx2(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                                size_t block_step)
{
    dense(acc, x, w, vectors, blocks, block_step, 1);
}

#endif

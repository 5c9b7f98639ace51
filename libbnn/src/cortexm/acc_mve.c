/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Accumulators to bits: those of 8 outputs are a vector, and so are their bytes, in lanes of 16 bits.
 */
#include "panel.h"

#if BNN_ARCH_HAS_MVE

#include <arm_mve.h>

void bnn_acc_bits_mve(uint8_t *out, const uint16_t *acc, const int16_t *limit, size_t pixels, size_t out_step, size_t bit)
{
    const int16x8_t limits = vld1q_s16(limit);
    const uint16x8_t ones = vdupq_n_u16((uint16_t)(1u << bit));
    for (; pixels > 0; pixels--, acc += 8, out += out_step) {
        const int16x8_t numbers = vreinterpretq_s16_u16(vld1q_u16(acc));
        const uint16x8_t bytes = vldrbq_u16(out);
        vstrbq_u16(out, vorrq_m_u16(bytes, bytes, ones, vcmpgtq_s16(numbers, limits)));
    }
}

#endif

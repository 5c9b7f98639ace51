/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Floats to bits and back, in the order of docs/dab-format.md, section 1.2: byte k, bit m of a group of 128 (64) is channel
 * 16*m + k (8*m + k). Every function walks a pixel plane by plane: plane m holds the next 16 (8) channels, one per byte.
 */
#include "../kernels.h"
#include "../port.h"

/* Bytes of one pixel of a group, which is also the number of channels in a plane. */
static size_t group_bytes(size_t channels)
{
    return channels > 64 ? 16 : 8;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void bnn_pack_sign_c(uint8_t *out, const float *x, size_t pixels, size_t x_step, size_t channels)
{
    const size_t bytes = group_bytes(channels);
    for (size_t p = 0; p < pixels; p++) {
        uint8_t pixel[16] = {0};
        for (size_t c = 0, m = 0; c < channels; c += bytes, m++) {
            const size_t n = smaller(channels - c, bytes);
            for (size_t k = 0; k < n; k++) {
                pixel[k] |= (uint8_t)((x[c + k] < 0.0F ? 1U : 0U) << m);
            }
        }
        bnn_memcpy(out + p * bytes, pixel, bytes);
        x = (const float *)(const void *)((const uint8_t *)x + x_step);
    }
}

void bnn_pack_threshold_c(uint8_t *out, const float *x, size_t pixels, size_t x_step, size_t channels,
                          const struct bnn_threshold *t)
{
    const size_t bytes = group_bytes(channels);
    for (size_t p = 0; p < pixels; p++) {
        uint8_t pixel[16] = {0};
        bnn_memcpy(pixel, t->flip, bytes);
        for (size_t c = 0, m = 0; c < channels; c += bytes, m++) {
            const size_t n = smaller(channels - c, bytes);
            for (size_t k = 0; k < n; k++) {
                pixel[k] ^= (uint8_t)((x[c + k] >= t->threshold[c + k] ? 0U : 1U) << m);
            }
        }
        bnn_memcpy(out + p * bytes, pixel, bytes);
        x = (const float *)(const void *)((const uint8_t *)x + x_step);
    }
}

void bnn_unpack_c(float *out, const uint8_t *in, size_t pixels, size_t out_step, size_t channels)
{
    const size_t bytes = group_bytes(channels);
    for (size_t p = 0; p < pixels; p++) {
        for (size_t c = 0, m = 0; c < channels; c += bytes, m++) {
            const size_t n = smaller(channels - c, bytes);
            for (size_t k = 0; k < n; k++) {
                out[c + k] = ((in[k] >> m) & 1) != 0 ? -1.0F : 1.0F;
            }
        }
        in += bytes;
        out = (float *)(void *)((uint8_t *)out + out_step);
    }
}

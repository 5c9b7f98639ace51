/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The image that the kernels of binary convolution see: the packed input with the border in it, the pixels of a line sorted by
 * phase (struct bnn_bconv), each convolution group's channels in channel groups of their own. It is
 *   [convolution group][channel group][height][stride * width] pixels
 * of 16 bytes in channel groups of 128; in those of 64 of 8, or of 16 if they stand twice.
 */
#ifndef BNN_IMAGE_H
#define BNN_IMAGE_H

#include "geometry.h"

struct bnn_image {
    const uint8_t *x;
    struct bnn_window window;
    uint32_t groups, channels; /* channels per group */
    int border;                /* -1: bits 1 in real channels; +1 and 0: bits 0 */
    size_t height, width;      /* lines, pixels of a phase */
    size_t narrow_pixel;       /* bytes of a pixel of a channel group of 64: 8 or 16 */
    const uint8_t *uses_line, *uses_column; /* by remainder of the stride: whether a tap meets them */
};

/* Height, width and uses_*, from the window. */
void bnn_image_bind(struct bnn_image *image, struct bnn_build *build);

/* Bytes of one convolution group. */
uint64_t bnn_image_bytes(const struct bnn_image *image);

/* Writes the image; what no tap meets is left as it is. */
void bnn_image_copy(uint8_t *out, const struct bnn_image *image);

#endif

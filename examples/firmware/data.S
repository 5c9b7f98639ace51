/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The files that data.py writes, as they are, in flash.
 */
        .macro  file name, section, path, alignment
        .section \section, "a"
        .balign \alignment
        .globl  \name
\name:
        .incbin "\path"
        .endm

        file            digits_model, .model, digits.dab, 64 /* BNN_ALIGNMENT */
        file            digits_images, .images, images.bin, 4
        file            digits_labels, .images, labels.bin, 4

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BNN_CRC_H
#define BNN_CRC_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 (ISO-HDLC, as zlib's crc32): continues `crc`, 0 to start, over `size` bytes. */
uint32_t bnn_crc32(uint32_t crc, const uint8_t *bytes, size_t size);

#endif

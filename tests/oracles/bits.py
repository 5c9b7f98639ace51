# SPDX-License-Identifier: BSD-3-Clause
"""Packed bits of docs/dab-format.md, section 1.2, in numpy."""

from __future__ import annotations

import numpy as np

from oracles.case import Array

ONES = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)


def group_bytes(channels: int) -> int:
    """Bytes that a pixel of a group of `channels` takes."""
    return 16 if channels > 64 else 8


def pack_group(bits: Array) -> Array:
    """Pack bool [pixels, channels] into uint8 [pixels, 16 or 8]; pad bits are 0."""
    pixels, channels = bits.shape
    planes: Array = np.zeros((pixels, 8 * group_bytes(channels)), np.uint8)
    planes[:, :channels] = bits
    planes = planes.reshape(pixels, 8, group_bytes(channels))
    packed: Array = np.packbits(planes, axis=1, bitorder="little")[:, 0]
    return packed


def unpack_group(packed: Array, channels: int) -> Array:
    """Opposite of `pack_group`: bool [pixels, channels]."""
    planes = np.unpackbits(packed[:, None, :], axis=1, bitorder="little")
    bits: Array = planes.reshape(len(packed), -1)[:, :channels].astype(bool)
    return bits

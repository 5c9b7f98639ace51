# SPDX-License-Identifier: BSD-3-Clause
"""Packed layouts of docs/dab-format.md, sections 1 and 3, in numpy: activations and weights, both ways.

Signs are boolean arrays, True where the value is -1 (bit 1 is -1). Packed forms are flat uint8
arrays in file order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Signs = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int8]

BLOCK = 8  # output channels per block of weights
VECTOR = 16  # taps of 8-bit weights that are neighbours
#: Grouped convolutions of at most this many input channels a group are done on floats with W_SIGN weights, which is as exact:
#: as bits each group takes the 64 of a word. The file is smaller; about as fast on x86 (measured), ARM is not measured.
NARROW = 2


def channel_groups(channels: int) -> list[tuple[int, int, int]]:
    """(first channel, channels, bytes per pixel) of each channel group.

    Groups are 128 channels wide; a last rest of at most 64 channels takes the 8 bytes of 64.
    """
    return [
        (first, min(128, channels - first), 8 if channels - first <= 64 else 16)
        for first in range(0, channels, 128)
    ]


def pixel_bytes(channels: int) -> int:
    """Bytes that one pixel of `channels` bits takes, over all its groups."""
    return sum(size for _, _, size in channel_groups(channels))


def _pack_group(signs: Signs, size: int) -> Bytes:
    """[..., channels of one group] -> [..., size]: channel `size*m + k` becomes bit m of byte k."""
    lead = signs.shape[:-1]
    full = np.zeros((*lead, 8 * size), bool)
    full[..., : signs.shape[-1]] = signs
    return np.packbits(full.reshape(*lead, 8, size), axis=-2, bitorder="little").reshape(
        *lead, size
    )


def _unpack_group(packed: Bytes, channels: int) -> Signs:
    """[..., size] -> [..., channels], the inverse of `_pack_group`."""
    *lead, size = packed.shape
    bits = np.unpackbits(packed.reshape(*lead, 1, size), axis=-2, bitorder="little")
    return bits.reshape(*lead, 8 * size)[..., :channels].astype(bool)


def pack_bits(signs: Signs) -> Bytes:
    """Activation [H, W, C] -> BITS (NC1HWC2)."""
    return np.concatenate(
        [
            _pack_group(signs[..., first : first + count], size).ravel()
            for first, count, size in channel_groups(signs.shape[-1])
        ]
    )


def unpack_bits(packed: Bytes, dims: tuple[int, ...]) -> Signs:
    """BITS -> activation [H, W, C]."""
    height, width, channels = dims
    parts, at = [], 0
    for _, count, size in channel_groups(channels):
        end = at + height * width * size
        parts.append(_unpack_group(packed[at:end].reshape(height, width, size), count))
        at = end
    return np.concatenate(parts, axis=-1)


def _to_blocks(weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[G, O, ...] -> [G, blocks, 8, ...], missing outputs zero."""
    groups, outputs, *rest = weights.shape
    blocks = -(-outputs // BLOCK)
    full = np.zeros((groups, blocks * BLOCK, *rest), weights.dtype)
    full[:, :outputs] = weights
    return full.reshape(groups, blocks, BLOCK, *rest)


def _from_blocks(blocks: npt.NDArray[Any], outputs: int) -> npt.NDArray[Any]:
    """[G, blocks, 8, ...] -> [G, O, ...]."""
    groups, count, lanes, *rest = blocks.shape
    return blocks.reshape(groups, count * lanes, *rest)[:, :outputs]


def pack_xnor(signs: Signs) -> Bytes:
    """Weights [G, O, KH, KW, C] -> W_XNOR."""
    blocks = _to_blocks(signs)
    groups, count = blocks.shape[:2]
    parts = [
        _pack_group(blocks[..., first : first + channels], size)
        .transpose(0, 1, 3, 4, 2, 5)
        .reshape(groups, count, -1)
        for first, channels, size in channel_groups(signs.shape[-1])
    ]
    return np.concatenate(parts, axis=-1).ravel()


def unpack_xnor(packed: Bytes, dims: tuple[int, ...]) -> Signs:
    """W_XNOR -> weights [G, O, KH, KW, C]."""
    groups, outputs, height, width, channels = dims
    count = -(-outputs // BLOCK)
    rows = packed.reshape(groups, count, -1)
    parts, at = [], 0
    for _, part, size in channel_groups(channels):
        end = at + height * width * BLOCK * size
        taps = rows[..., at:end].reshape(groups, count, height, width, BLOCK, size)
        parts.append(_unpack_group(taps.transpose(0, 1, 4, 2, 3, 5), part))
        at = end
    return _from_blocks(np.concatenate(parts, axis=-1), outputs)


def pack_sign(signs: Signs) -> Bytes:
    """Weights [G, O, KH, KW, C] -> W_SIGN: a byte per tap and channel, bit j is output 8*block + j."""
    return np.packbits(_to_blocks(signs), axis=2, bitorder="little").ravel()


def unpack_sign(packed: Bytes, dims: tuple[int, ...]) -> Signs:
    """W_SIGN -> weights [G, O, KH, KW, C]."""
    groups, outputs, height, width, channels = dims
    taps = packed.reshape(groups, -(-outputs // BLOCK), 1, height, width, channels)
    return _from_blocks(np.unpackbits(taps, axis=2, bitorder="little"), outputs).astype(bool)


def pack_s8(weights: Ints) -> Bytes:
    """Weights [G, O, KH, KW, C] -> W_S8: per block the vectors of 16 taps, in each one vector per output."""
    groups, outputs = weights.shape[:2]
    taps = weights.reshape(groups, outputs, -1)
    full = np.zeros((groups, outputs, -(-taps.shape[2] // VECTOR) * VECTOR), np.int8)
    full[..., : taps.shape[2]] = taps
    vectors = full.reshape(groups, outputs, -1, VECTOR)
    parts = [
        vectors[:, first : first + BLOCK].transpose(0, 2, 1, 3).reshape(groups, -1)
        for first in range(0, outputs, BLOCK)
    ]
    return np.ascontiguousarray(np.concatenate(parts, axis=1)).ravel().view(np.uint8)


def unpack_s8(packed: Bytes, dims: tuple[int, ...]) -> Ints:
    """W_S8 -> weights [G, O, KH, KW, C]."""
    groups, outputs, *rest = dims
    taps = int(np.prod(rest))
    size = -(-taps // VECTOR) * VECTOR
    rows = np.frombuffer(packed.tobytes(), np.int8).reshape(groups, -1)
    parts = []
    for first in range(0, outputs, BLOCK):
        lanes = min(BLOCK, outputs - first)
        block = rows[:, first * size : (first + lanes) * size].reshape(groups, -1, lanes, VECTOR)
        parts.append(block.transpose(0, 2, 1, 3).reshape(groups, lanes, size)[..., :taps])
    return np.concatenate(parts, axis=1).reshape(dims)


def pack_f32(weights: Floats) -> Bytes:
    """Weights [G, O, KH, KW, C] -> W_F32: the outputs of a block are innermost, none is added."""
    groups, outputs = weights.shape[:2]
    parts = [
        np.moveaxis(weights[:, first : first + BLOCK], 1, -1).reshape(groups, -1)
        for first in range(0, outputs, BLOCK)
    ]
    return np.concatenate(parts, axis=1).astype("<f4").ravel().view(np.uint8)


def unpack_f32(packed: Bytes, dims: tuple[int, ...]) -> Floats:
    """W_F32 -> weights [G, O, KH, KW, C]."""
    groups, outputs, *rest = dims
    rows = np.frombuffer(packed.tobytes(), "<f4").reshape(groups, -1)
    parts, at = [], 0
    for first in range(0, outputs, BLOCK):
        lanes = min(BLOCK, outputs - first)
        end = at + lanes * int(np.prod(rest))
        parts.append(np.moveaxis(rows[:, at:end].reshape(groups, *rest, lanes), -1, 1))
        at = end
    return np.concatenate(parts, axis=1).astype(np.float32)

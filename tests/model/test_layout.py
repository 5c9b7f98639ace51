# SPDX-License-Identifier: BSD-3-Clause
"""Packed layouts against docs/dab-format.md, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest

from converter import layout
from converter.dab_model import Type, size_in_bytes

BITS = [(3, 4, 5), (2, 2, 64), (3, 1, 100), (2, 2, 128), (1, 2, 192), (2, 2, 257), (1, 1, 130)]
WEIGHTS = [
    (1, 8, 3, 3, 64),
    (2, 5, 1, 2, 70),
    (1, 17, 2, 2, 200),
    (3, 1, 1, 1, 1),
    (2, 9, 1, 3, 128),
]


def signs(dims: tuple[int, ...]) -> layout.Signs:
    return np.random.default_rng(len(dims)).random(dims) < 0.5


def bit_of(packed: layout.Bytes, at: int, channel: int, size: int) -> bool:
    """Channel size*m + k of the group at byte `at` is bit m of byte k."""
    return bool(packed[at + channel % size] >> (channel // size) & 1)


def test_channel_groups() -> None:
    assert layout.channel_groups(64) == [(0, 64, 8)]
    assert layout.channel_groups(100) == [(0, 100, 16)]
    assert layout.channel_groups(192) == [(0, 128, 16), (128, 64, 8)]
    assert layout.channel_groups(193) == [(0, 128, 16), (128, 65, 16)]
    assert layout.channel_groups(256) == [(0, 128, 16), (128, 128, 16)]


@pytest.mark.parametrize("dims", BITS)
def test_bits(dims: tuple[int, int, int]) -> None:
    values, (height, width, channels) = signs(dims), dims
    packed = layout.pack_bits(values)
    assert packed.size == size_in_bytes(Type.BITS, dims)
    count = at = 0
    for first, group, size in layout.channel_groups(channels):
        for y in range(height):
            for x in range(width):
                for c in range(group):
                    assert bit_of(packed, at, c, size) == values[y, x, first + c]
                    count += int(values[y, x, first + c])
                at += size
    assert int(np.unpackbits(packed).sum()) == count
    np.testing.assert_array_equal(layout.unpack_bits(packed, dims), values)


@pytest.mark.parametrize("dims", WEIGHTS)
def test_xnor(dims: tuple[int, int, int, int, int]) -> None:
    values, (groups, outputs, kh, kw, channels) = signs(dims), dims
    packed = layout.pack_xnor(values)
    assert packed.size == size_in_bytes(Type.W_XNOR, dims)
    at = 0
    for g in range(groups):
        for block in range(-(-outputs // 8)):
            for first, group, size in layout.channel_groups(channels):
                for ky, kx, lane in np.ndindex(kh, kw, 8):
                    o = 8 * block + lane
                    for c in range(group):
                        want = o < outputs and values[g, o, ky, kx, first + c]
                        assert bit_of(packed, at, c, size) == want
                    at += size
    assert int(np.unpackbits(packed).sum()) == int(values.sum())
    np.testing.assert_array_equal(layout.unpack_xnor(packed, dims), values)


@pytest.mark.parametrize("dims", WEIGHTS)
def test_sign(dims: tuple[int, int, int, int, int]) -> None:
    values, (groups, outputs, kh, kw, channels) = signs(dims), dims
    packed = layout.pack_sign(values)
    assert packed.size == size_in_bytes(Type.W_SIGN, dims)
    byte = iter(packed)
    for g in range(groups):
        for block in range(-(-outputs // 8)):
            for ky, kx, c in np.ndindex(kh, kw, channels):
                lanes = values[g, 8 * block : 8 * block + 8, ky, kx, c]
                assert int(next(byte)) == sum(int(bit) << lane for lane, bit in enumerate(lanes))
    np.testing.assert_array_equal(layout.unpack_sign(packed, dims), values)


@pytest.mark.parametrize("dims", WEIGHTS)
def test_f32(dims: tuple[int, int, int, int, int]) -> None:
    groups, outputs, kh, kw, channels = dims
    values = np.random.default_rng(1).standard_normal(dims).astype(np.float32)
    packed = layout.pack_f32(values)
    assert packed.size == size_in_bytes(Type.W_F32, dims)
    number = iter(packed.view("<f4"))
    for g in range(groups):
        for block in range(-(-outputs // 8)):
            for ky, kx, c in np.ndindex(kh, kw, channels):
                for value in values[g, 8 * block : 8 * block + 8, ky, kx, c]:
                    assert next(number) == value
    np.testing.assert_array_equal(layout.unpack_f32(packed, dims), values)

# SPDX-License-Identifier: BSD-3-Clause
"""Cases of the chain's slots: chain_panel, chain_weights, bchain, and those for groups of 64.

The oracle counts on the vectors themselves; chain form is made by the words of kernels.def.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oracles.case import Argument, Array, Buffer, Case, Struct, rng
from oracles.xnor import counts_of, fill_bits


class Panel(NamedTuple):
    """Numbers of taps; a run of pixels that begins at a column of rows of `width` pixels."""

    wide: int
    narrow: int
    pixels: int
    width: int = 5
    column: int = 0
    stride: int = 1


class Weights(NamedTuple):
    """Numbers of taps; whether weights are in x86's order."""

    wide: int
    narrow: int
    by_word: bool = False


class Product(NamedTuple):
    """Vectors of each of the pixels; for bchain64, of 8 bytes; whether weights are in x86's order."""

    vectors: int
    pixels: int
    fill: str = "random"
    by_word: bool = False


FILLS = ("zeros", "same", "different", "full", "waves")
TAPS = [(1, 0), (2, 0), (9, 0), (18, 0), (0, 1), (0, 2), (0, 9), (0, 25), (3, 1), (3, 2), (4, 3)]
NARROW = (0, 1, 2, 3, 9, 10, 25)
WALKS = [
    *((pixels, 5, 0, 1) for pixels in (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 16)),
    *((7, 3, column, stride) for column in (0, 1, 2) for stride in (1, 2, 3)),
    *((5, 1, 0, stride) for stride in (1, 2)),
    (9, 8, 5, 1),
]
SLOTS: dict[str, list[Panel] | list[Weights] | list[Product]] = {
    "chain_panel": [
        *(Panel(wide, narrow, 5) for wide, narrow in [(0, 0), *TAPS]),
        *(Panel(3, 3, *walk) for walk in WALKS),
        Panel(9, 9, 3, 8, 5),
    ],
    "chain_weights": [Weights(0, 0), *(Weights(wide, narrow) for wide, narrow in TAPS)],
    "bchain": [
        *(Product(vectors, 4) for vectors in range(21)),
        *(Product(vectors, 2) for vectors in (35, 36, 37, 38, 49, 50, 63, 64)),
        *(Product(vectors, pixels) for vectors in (9, 12) for pixels in (0, 1, 2, 3, 5, 8, 15, 22)),
        *(Product(vectors, 3, fill) for vectors in (7, 8, 9, 10) for fill in FILLS),
        *(Product(vectors, 2, "full") for vectors in (510, 511)),
    ],
    "chain_panel64": [
        *(Panel(0, narrow, 8) for narrow in NARROW),
        *(Panel(0, 3, *walk) for walk in WALKS),
        Panel(0, 9, 8, 8, 5),
    ],
    "chain_weights64": [Weights(0, narrow) for narrow in NARROW],
    "bchain64": [
        *(Product(vectors, 4) for vectors in range(21)),
        *(Product(vectors, 5) for vectors in (24, 25, 49)),
        *(Product(vectors, n) for vectors in (9, 12) for n in (0, 1, 2, 3, 5, 6, 7, 8, 27, 44)),
        *(Product(vectors, 5, fill) for vectors in (7, 8, 9, 10) for fill in FILLS),
        *(Product(vectors, 4, "full") for vectors in (1022, 1023)),
    ],
}
SINGLE = ("chain_panel64", "chain_weights64", "bchain64")  # vectors are one tap of 8 bytes


def case(slot: str, shape: Panel | Weights | Product) -> Case:
    """One call of the slot."""
    if isinstance(shape, Panel):
        return panel_case(slot, shape)
    if isinstance(shape, Weights):
        return weights_case(slot, shape)
    return product_case(slot, shape)


def prefix(v: Array) -> Array:
    """Sums modulo 2 along the vectors [..., vectors, bytes]; of an even number the last stays alone."""
    s: Array = np.bitwise_xor.accumulate(v, axis=-2)
    if v.shape[-2] % 2 == 0 and v.size:
        s[..., -1, :] = v[..., -1, :]
    return s


def panel_of(v: Array) -> Array:
    """Pixels [pixels, vectors, bytes] as [tiles, vectors, 32 bytes]; the last is repeated to a full tile."""
    size = v.shape[-1]
    idle = -len(v) % (32 // size)
    s = prefix(np.concatenate([v, *[v[-1:]] * idle]))
    tiles = s.reshape(len(s) * size // 32, 32 // size, *s.shape[1:])
    return np.ascontiguousarray(tiles.transpose(0, 2, 1, 3))


def chain_weights(v: Array, by_word: bool) -> Array:
    """Weights [8, vectors, 8 or 16] in chain form: [8 * vectors, 16], words in x86's order."""
    if by_word:
        words = prefix(v).reshape(8, -1, 8)
        return np.ascontiguousarray(words.transpose(1, 0, 2))
    if v.shape[-1] == 8:
        v = doubled(v)
    vectors = v.shape[1]
    if not vectors:
        return v.reshape(0, 16)
    s, n = prefix(v), (vectors - 1) // 2
    for k in range(n + 1):
        if (n - k) % 2:
            s[:, 2 * k] ^= 255
    parts = [s[:, 0]]
    for k in range(1, n + 1):
        pair = s[:, 2 * k - 1 : 2 * k + 1]
        parts.append((pair[::-1] if (n - k) % 2 else pair).reshape(16, 16))
    if vectors % 2 == 0:
        parts.append(s[:, -1])
    return np.concatenate(parts)


def joined(wide: Array, narrow: Array) -> Array:
    """Vectors [..., vectors, 16] of taps [..., n, 16] and [..., n, 8]."""
    if narrow.shape[-2] % 2:
        narrow = np.concatenate([narrow, np.zeros_like(narrow[..., :1, :])], -2)
    pairs = narrow.reshape(*narrow.shape[:-2], narrow.shape[-2] // 2, 16)
    vectors: Array = np.concatenate([wide, pairs], -2)
    return vectors


def panel_case(slot: str, shape: Panel) -> Case:
    """Taps in a random order at random places, those of narrow at odd multiples of 8 bytes too."""
    random = rng(slot, shape)
    pixel_step = 8 * shape.stride
    row_step = pixel_step * shape.width + 24
    place = shape.column + np.arange(shape.pixels)
    at = place // shape.width * row_step + (place % shape.width - shape.column) * pixel_step
    sources, vectors, taps = {}, {}, []
    for name, count, size in (("wide", shape.wide, 16), ("narrow", shape.narrow, 8)):
        offsets = random.permutation(2 * count)[:count] * size
        first = at * size // 8
        used = int(first.max() + offsets.max()) + size if count and shape.pixels else 0
        x = random.integers(0, 256, used, np.uint8)
        sources[name] = Buffer(x, align=size)
        vectors[name] = gather(x, first, offsets, size)
        taps.append(offsets)
    single = slot in SINGLE
    out = panel_of(vectors["narrow"] if single else joined(vectors["wide"], vectors["narrow"]))
    arguments: dict[str, Argument] = {
        "out": Buffer(random.integers(0, 256, out.shape, np.uint8), out, align=16),
        **({"narrow": sources["narrow"]} if single else sources),
        "p": Struct(
            {
                "taps": Buffer(np.concatenate(taps).astype(np.uint32)),
                "wide": shape.wide,
                "narrow": shape.narrow,
                "pixel_step": pixel_step,
                "row_step": row_step,
                "width": shape.width,
            }
        ),
        "column": shape.column,
        "pixels": shape.pixels,
    }
    return Case(slot, arguments)


def gather(x: Array, first: Array, offsets: Array, size: int) -> Array:
    """Return [pixels, taps, size]."""
    starts = first[:, None] + offsets
    if not starts.size:
        return np.zeros((*starts.shape, size), np.uint8)
    taken: Array = x[starts[:, :, None] + np.arange(size)]
    return taken


def weights_case(slot: str, shape: Weights) -> Case:
    """Weights of a block as the file has them."""
    random = rng(slot, shape)
    wide = random.integers(0, 256, (shape.wide, 8, 16), np.uint8)
    narrow = random.integers(0, 256, (shape.narrow, 8, 8), np.uint8)
    vectors = narrow.transpose(1, 0, 2)
    if slot not in SINGLE:
        vectors = joined(wide.transpose(1, 0, 2), vectors)
    out = chain_weights(vectors, shape.by_word)
    arguments: dict[str, Argument] = {
        "out": Buffer(random.integers(0, 256, out.shape, np.uint8), out, align=64),
        "w": Buffer(np.concatenate([wide.ravel(), narrow.ravel()]), align=64),
        **({} if slot in SINGLE else {"wide": shape.wide}),
        "narrow": shape.narrow,
    }
    return Case(slot, arguments)


def doubled(v: Array) -> Array:
    """Vectors of 8 bytes as 16, the same twice."""
    return np.concatenate([v, v], -1)


def product_case(slot: str, shape: Product) -> Case:
    """Products of vectors; "waves" differ in every second vector only, and in all of the first pixel's others."""
    random = rng(slot, shape)
    vectors, pixels, size = shape.vectors, shape.pixels, 8 if slot in SINGLE else 16
    if shape.fill == "waves":
        x = np.zeros((pixels, vectors, size), np.uint8)
        w = np.zeros((vectors, 8, size), np.uint8)
        w[1::2] = 255
        x[:1] = 255
    else:
        flat = fill_bits(shape.fill, pixels * vectors * size, vectors * 8 * size, random)
        x, w = flat[0].reshape(pixels, vectors, size), flat[1].reshape(vectors, 8, size)
    before = random.integers(0, 65536, (pixels, 8)).astype(np.uint16)
    after = (before + (counts_of(x, w[None]) if vectors else 0)).astype(np.uint16)
    weights = w.transpose(1, 0, 2).copy()
    arguments: dict[str, Argument] = {
        "acc": Buffer(before, after, align=16),
        "x": Buffer(panel_of(x), align=16),
        "w": Buffer(chain_weights(weights, shape.by_word), align=64),
        "vectors": vectors,
        "pixels": pixels,
    }
    return Case(slot, arguments)

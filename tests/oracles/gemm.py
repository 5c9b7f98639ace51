# SPDX-License-Identifier: BSD-3-Clause
"""Cases of the float convolutions: panel_f32, gemm_f32, dense_f32, dense_sign, sign_weights, depthwise_f32.

Their sums may be fused and reordered: of n products each is rounded at most n + 1 times, so the
error is at most (n + 1) * 2^-23 of the sum of magnitudes; mul and add round twice more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oracles.case import Argument, Array, Buffer, Case, Struct, in_rows, put_rows, rng


class Panel(NamedTuple):
    """So many runs of `run` floats of so many pixels; gap: columns of out that are not this call's."""

    runs: int
    run: int
    pixels: int
    gap: int = 0


class Product(NamedTuple):
    """k floats of so many pixels; gap: floats between rows of out, and columns of the panel beyond."""

    k: int
    pixels: int
    affine: int = 0
    gap: int = 0


class Dense(NamedTuple):
    """k inputs, blocks of 8 outputs."""

    k: int
    blocks: int = 1


class Weights(NamedTuple):
    """n bytes of signs."""

    n: int


class Depthwise(NamedTuple):
    """gap: floats between pixels of x, weights of taps, and rows of out."""

    channels: int
    pixels: int = 3
    rows: int = 3
    taps: int = 3
    stride: int = 1
    gap: int = 0


Shape = Panel | Product | Dense | Weights | Depthwise

WIDTHS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 20, 23, 24, 25, 31, 48)
DENSE = [
    *(Dense(k) for k in (*range(20), 31, 32, 33, 64, 100, 257)),
    *(Dense(k, blocks) for k in (1, 5, 32, 35) for blocks in (0, 2, 3, 4, 5)),
]
SLOTS: dict[str, list[Shape]] = {
    "panel_f32": [
        *(Panel(1, run, 8, 4) for run in range(20)),
        *(Panel(runs, 5, pixels) for runs in (0, 1, 3) for pixels in (0, 4, 8, 12, 16, 24, 28)),
        Panel(7, 21, 16, 4),
        Panel(2, 64, 12),
    ],
    "gemm_f32": [
        *(Product(k, pixels) for k in (0, 1, 9, 27) for pixels in WIDTHS),
        *(Product(k, 13, 1) for k in (*range(40), 64, 147)),
        *(Product(12, pixels, 1, 4) for pixels in WIDTHS),
    ],
    "dense_f32": list(DENSE),
    "dense_sign": list(DENSE),
    "sign_weights": [Weights(n) for n in (*range(18), 33)],
    "depthwise_f32": [
        *(Depthwise(channels) for channels in (*range(21), 31, 32, 33, 64, 127, 128)),
        *(Depthwise(20, pixels) for pixels in (0, 1, 2, 4, 5, 9)),
        *(Depthwise(9, 3, rows, taps) for rows, taps in [(0, 3), (3, 0), (1, 1), (5, 5), (2, 7)]),
        *(Depthwise(12, 5, 3, 3, stride, 4) for stride in (1, 2)),
    ],
}


def case(slot: str, shape: Shape) -> Case:
    """One call of the slot."""
    if isinstance(shape, Panel):
        return panel_case(slot, shape)
    if isinstance(shape, Product):
        return product_case(slot, shape)
    if isinstance(shape, Dense):
        return dense_case(slot, shape)
    if isinstance(shape, Weights):
        return weights_case(slot, shape)
    return depthwise_case(slot, shape)


def floats(random: np.random.Generator, *shape: int) -> Array:
    """Random floats."""
    values: Array = random.standard_normal(shape).astype(np.float32)
    return values


def summed(products: Array, before: Array, axis: int) -> tuple[Array, Array]:
    """Sums of float64 products, and what float32 sums may differ from them; shaped like `before`."""
    terms = products.shape[axis] + 1
    total = products.sum(axis=axis).reshape(before.shape)
    tolerance = np.abs(products).sum(axis=axis).reshape(before.shape) * terms * 2.0**-23
    return total, tolerance


def panel_case(slot: str, shape: Panel) -> Case:
    """Runs and pixels at any places of x."""
    random = rng(slot, shape)
    offsets = (random.permutation(shape.runs) * (shape.run + 3) * 4).astype(np.uint32)
    at = (random.integers(0, 50, shape.pixels) * 4).astype(np.uint32)
    any_read = shape.runs and shape.pixels and shape.run
    x = floats(random, int(offsets.max() + at.max()) // 4 + shape.run if any_read else 0)
    step = 4 * (shape.pixels + shape.gap)
    rows = shape.runs * shape.run
    before = in_rows(floats(random, rows, shape.pixels), step, random)
    index = offsets[:, None, None] // 4 + np.arange(shape.run)[:, None] + at // 4
    values = x[index].reshape(rows, shape.pixels) if any_read else floats(random, rows, 0)
    after = put_rows(before, values, step) if any_read else before
    arguments: dict[str, Argument] = {
        "out": Buffer(before, after),
        "x": Buffer(x),
        "p": Struct(
            {"offsets": Buffer(offsets), "count": shape.runs, "run": shape.run, "step": step}
        ),
        "at": Buffer(at),
        "pixels": shape.pixels,
    }
    return Case(slot, arguments)


def product_case(slot: str, shape: Product) -> Case:
    """A panel against a block of 8 outputs."""
    random = rng(slot, shape)
    columns = (shape.pixels + 3) // 4 * 4 + shape.gap
    panel = floats(random, shape.k, columns)
    w = floats(random, shape.k, 8)
    before = floats(random, shape.pixels, 8)
    products = panel.T[: shape.pixels, :, None].astype(np.float64) * w
    after, tolerance = summed(products, before, 1)
    fields: dict[str, int | Buffer] = {
        "k": shape.k,
        "panel_step": 4 * columns,
        "out_step": 4 * (8 + shape.gap),
        "mul": 0,
        "add": 0,
    }
    if shape.affine:
        mul, add = floats(random, 8), floats(random, 8)
        fields |= {"mul": Buffer(mul), "add": Buffer(add)}
        tolerance = tolerance * np.abs(mul) + (np.abs(after * mul) * 2 + np.abs(add)) * 2.0**-23
        after = after * mul + add
    arguments: dict[str, Argument] = {
        "out": rows_of(before, after, tolerance, 4 * (8 + shape.gap), random),
        "panel": Buffer(panel_bytes(panel, shape), align=16),
        "w": Buffer(w),
        "p": Struct(fields),
        "pixels": shape.pixels,
    }
    return Case(slot, arguments)


def panel_bytes(panel: Array, shape: Product) -> Array:
    """Return the panel without what lies behind its last column."""
    flat: Array = panel.reshape(-1)
    return flat[: flat.size - shape.gap] if flat.size else flat


def rows_of(
    before: Array, after: Array, tolerance: Array, step: int, random: np.random.Generator
) -> Buffer:
    """Rows `step` bytes apart, and what must be in them."""
    laid = in_rows(before, step, random)
    return Buffer(
        laid,
        put_rows(laid, after.astype(np.float32), step),
        tolerance=put_rows(np.zeros(laid.shape), tolerance, 2 * step),
    )


def dense_case(slot: str, shape: Dense) -> Case:
    """One pixel against blocks of 8 outputs."""
    random = rng(slot, shape)
    x = floats(random, shape.k)
    before = floats(random, shape.blocks, 8)
    if slot == "dense_f32":
        w = floats(random, shape.blocks, shape.k, 8)
        weights = w
    else:
        w = random.integers(0, 256, (shape.blocks, shape.k), np.uint8)
        weights = signs(w)
    after, tolerance = summed(x[:, None].astype(np.float64) * weights, before, 1)
    arguments: dict[str, Argument] = {
        "out": Buffer(before, after.astype(np.float32), tolerance=tolerance),
        "x": Buffer(x),
        "w": Buffer(w, align=1 if slot == "dense_sign" else 4),
        "k": shape.k,
        "blocks": shape.blocks,
    }
    return Case(slot, arguments)


def signs(w: Array) -> Array:
    """Weights of 8 outputs for each byte."""
    bits = w[..., None] >> np.arange(8, dtype=np.uint8) & 1
    weights: Array = (1 - 2 * bits.astype(np.int8)).astype(np.float32)
    return weights


def weights_case(slot: str, shape: Weights) -> Case:
    """Signs to floats."""
    random = rng(slot, shape)
    w = random.integers(0, 256, shape.n, np.uint8)
    arguments: dict[str, Argument] = {
        "out": Buffer(floats(random, shape.n, 8), signs(w), align=16),
        "w": Buffer(w, align=1),
        "n": shape.n,
    }
    return Case(slot, arguments)


def depthwise_case(slot: str, shape: Depthwise) -> Case:
    """Taps that are neighbours, in rows that are not."""
    random = rng(slot, shape)
    any_read = shape.channels and shape.pixels and shape.rows and shape.taps
    pixel = 4 * (shape.channels + shape.gap)
    row = pixel * ((shape.pixels - 1) * shape.stride + shape.taps + 1)
    w_row = pixel * (shape.taps + 1)
    steps = (row, pixel, pixel * shape.stride)
    reach = [
        (n - 1) * step
        for n, step in zip((shape.rows, shape.taps, shape.pixels), steps, strict=True)
    ]
    x = floats(random, (sum(reach) // 4 + shape.channels) if any_read else 0)
    w_reach = (shape.rows - 1) * w_row + (shape.taps - 1) * pixel
    w = floats(random, (w_reach // 4 + shape.channels) if any_read else 0)
    before = floats(random, shape.pixels, shape.channels)
    after, tolerance = np.zeros(before.shape), np.zeros(before.shape)
    if any_read:
        pixels, rows, taps, channels = np.ix_(
            *(np.arange(n) for n in (shape.pixels, shape.rows, shape.taps, shape.channels))
        )
        x_at = (pixels * steps[2] + rows * row + taps * pixel) // 4 + channels
        w_at = (rows * w_row + taps * pixel) // 4 + channels
        products = (x[x_at].astype(np.float64) * w[w_at]).reshape(shape.pixels, -1, shape.channels)
        after, tolerance = summed(products, before, 1)
    arguments: dict[str, Argument] = {
        "out": rows_of(before, after, tolerance, pixel, random),
        "x": Buffer(x),
        "w": Buffer(w),
        "p": Struct(
            {
                "rows": shape.rows,
                "row_step": row,
                "taps": shape.taps,
                "tap_step": pixel,
                "w_row_step": w_row,
                "w_tap_step": pixel,
                "channels": shape.channels,
                "pixel_step": steps[2],
                "out_step": pixel,
            }
        ),
        "pixels": shape.pixels,
    }
    return Case(slot, arguments)

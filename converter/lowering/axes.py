# SPDX-License-Identifier: BSD-3-Clause
"""Orders of axes: how a value of the graph lies in memory, and what transposes and reshapes mean for that.

An *order* is the tuple of a value's axes of size above 1, slowest first: axes of size 1 do not matter. A value [1, C, H, W]
that lies channels-last has the order (2, 3, 1). Transposes, and most reshapes, of a value are the same memory with another
order.
"""

from __future__ import annotations

from converter.errors import ConversionError

Shape = tuple[int, ...]
Order = tuple[int, ...]


def _channels_last(rank: int) -> Order:
    """All axes, with axis 1 (the channels) last."""
    return tuple(range(rank)) if rank < 2 else (0, *range(2, rank), 1)


def native(shape: Shape) -> Order:
    """The order of the source model: row-major."""
    return tuple(a for a, size in enumerate(shape) if size != 1)


def canonical(shape: Shape) -> Order:
    """Channels last."""
    return tuple(a for a in _channels_last(len(shape)) if shape[a] != 1)


def full_dims(shape: Shape) -> Shape:
    """Dims of a tensor that holds a value channels-last, all axes kept."""
    return tuple(shape[a] for a in _channels_last(len(shape))) or (1,)


def storage_dims(shape: Shape) -> Shape:
    """The same without a batch axis of 1, and with at least 3 axes: [H, W, C] of an image, [1, 1, K] of a vector."""
    dims = full_dims(shape)
    if len(dims) > 3 and dims[0] == 1:
        dims = dims[1:]
    return (1,) * (3 - len(dims)) + dims


def positions(shape: Shape, dims: Shape) -> list[int]:
    """Where each axis of a value is in `full_dims` or `storage_dims` (-1 where it was dropped)."""
    axes = _channels_last(len(shape))
    shift = len(dims) - len(axes)
    return [axes.index(axis) + shift for axis in range(len(shape))]


def permuted(order: Order, perm: tuple[int, ...]) -> Order:
    """Order of transpose(x, perm) in the memory of x."""
    return tuple(perm.index(axis) for axis in order)


def _groups(a: Shape, b: Shape) -> list[tuple[list[int], list[int]]]:
    """Smallest runs of axes (sizes above 1) of two shapes of equal size whose products agree."""
    left, right = list(native(a)), list(native(b))
    groups = []
    while left:
        one, other = [left.pop(0)], [right.pop(0)]
        product, target = a[one[0]], b[other[0]]
        while product != target:
            if product < target:
                one.append(left.pop(0))
                product *= a[one[-1]]
            else:
                other.append(right.pop(0))
                target *= b[other[-1]]
        groups.append((one, other))
    return groups


def reshaped(order: Order, source: Shape, target: Shape) -> Order | None:
    """Order of a reshape to `target` in the memory of a value of shape `source`; None where it has no such order."""
    result: list[int] = []
    groups = {tuple(one): other for one, other in _groups(source, target)}
    starts = {one[0]: one for one in groups}
    at = 0
    while at < len(order):
        run = starts.get(order[at])
        if run is None or order[at : at + len(run)] != run:
            return None
        result += groups[run]
        at += len(run)
    return tuple(result)


def transposition(shape: Shape, source: Order, target: Order) -> tuple[Shape, Shape]:
    """Dims of memory in order `source`, and the permutation that brings it to `target`; axes that stay neighbours are one."""
    runs: list[list[int]] = []
    for axis in target:
        follows = runs and source.index(axis) == source.index(runs[-1][-1]) + 1
        if follows:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    runs_in_source = sorted(runs, key=lambda run: source.index(run[0]))
    dims = []
    for run in runs_in_source:
        size = 1
        for axis in run:
            size *= shape[axis]
        dims.append(size)
    if len(dims) > 6:
        raise ConversionError(f"a transpose of {list(shape)} moves more than 6 axes")
    return tuple(dims), tuple(runs_in_source.index(run) for run in runs)

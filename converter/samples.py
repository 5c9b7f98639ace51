# SPDX-License-Identifier: BSD-3-Clause
"""Inputs of a network from a file, with labels or without: for `--int8 FILE.npz` and `--test FILE.npz`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converter.errors import ConversionError
from converter.graph import Array, Graph
from converter.verify_inputs import Arrays

LABELS = ("labels", "y")
ANY_INPUT = "x"  # what the only input may be called


@dataclass
class Samples:
    """Inputs of the network, and for each the number of the right output if that is known."""

    inputs: list[Arrays]
    labels: Array | None


def read(path: Path, graph: Graph) -> Samples:
    """An npz file with an array [samples, ...] for each input of the graph."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError) as error:
        raise ConversionError(f"{path}: it cannot be read as an npz file: {error}") from None
    if len(graph.inputs) == 1 and graph.inputs[0] not in arrays and ANY_INPUT in arrays:
        arrays[graph.inputs[0]] = arrays[ANY_INPUT]
    inputs = {name: _of_input(path, arrays, graph, name) for name in graph.inputs}
    counts = {len(array) for array in inputs.values()}
    if len(counts) > 1 or 0 in counts:
        raise ConversionError(
            f"{path}: its arrays have {sorted(counts)} samples; each input needs the same number, at least 1"
        )
    (count,) = counts
    labels = next((arrays[name].reshape(-1) for name in LABELS if name in arrays), None)
    if labels is not None and len(labels) != count:
        raise ConversionError(f"{path}: it has {len(labels)} labels for {count} samples")
    rows = [
        {name: array[i : i + 1].reshape(graph.shape(name)) for name, array in inputs.items()}
        for i in range(count)
    ]
    return Samples(rows, labels)


def _of_input(path: Path, arrays: Mapping[str, Array], graph: Graph, name: str) -> Array:
    shape = graph.shape(name)
    if name not in arrays:
        raise ConversionError(
            f"{path}: it has no array '{name}' for this input of the network; it has: {', '.join(sorted(arrays)) or 'nothing'}"
        )
    array = np.asarray(arrays[name])
    if array.ndim == 0 or array.size != len(array) * int(np.prod(shape)):
        raise ConversionError(
            f"{path}: array '{name}' has shape {list(array.shape)}; it must be samples x {list(shape[1:])}"
        )
    if array.dtype.kind not in "fiu" or not np.all(np.isfinite(array)):
        raise ConversionError(f"{path}: array '{name}' holds something else than finite numbers")
    return array.astype(np.float32)

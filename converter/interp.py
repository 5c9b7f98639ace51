# SPDX-License-Identifier: BSD-3-Clause
"""Run a graph with the numpy references of its operators: the oracle of all that follows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from converter.errors import ConversionError
from converter.graph import Array, Graph
from converter.ops import OPERATIONS


def run(graph: Graph, inputs: Mapping[str, Array], upto: str | None = None) -> dict[str, Array]:
    """All values of the graph by name, constants included, for inputs by name in its shapes.

    With `upto` it stops as soon as the value of that name is there. Raises ConversionError for
    missing or misshapen inputs, for operators without a reference, and for values that the
    vocabulary does not allow there.
    """
    values = {name: value.const for name, value in graph.values.items() if value.const is not None}
    for name in graph.inputs:
        if name not in inputs:
            raise ConversionError(f"input '{name}' is missing; the graph has {graph.inputs}")
        value = graph.values[name]
        data = np.asarray(inputs[name], value.dtype)
        if data.shape != value.shape:
            raise ConversionError(
                f"input '{name}' has shape {list(data.shape)}, not {list(value.shape)}"
            )
        values[name] = data
    for node in graph.nodes:
        if upto is not None and upto in values:
            break
        operation = OPERATIONS.get(node.op)
        if operation is None:
            raise ConversionError(f"{node.describe()}: operator '{node.op}' has no reference")
        operands = [values[name] for name in node.inputs]
        shape = graph.shape(node.output)
        try:
            values[node.output] = operation.reference(*operands, **{**node.attrs, "shape": shape})
        except ValueError as error:
            raise ConversionError(f"{node.describe()}: {error}") from error
    return values

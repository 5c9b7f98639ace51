# SPDX-License-Identifier: BSD-3-Clause
"""The same network with its independent nodes in another order, in the file and in front of every rewrite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar
from unittest import mock

import numpy as np
import onnx

from converter import passes
from converter.dab_model import Model
from converter.graph import Graph, Node
from converter.passes.rule import Context, Rule, apply
from converter.report import Report

N = TypeVar("N")
Names = Callable[[N], Iterable[str]]


def topological(
    nodes: Sequence[N], reads: Names[N], writes: Names[N], rng: np.random.Generator
) -> list[N]:
    """A random order in which everything is written before it is read."""
    waiting, done = list(nodes), list[N]()
    pending = {name for node in waiting for name in writes(node)}
    while waiting:
        ready = [node for node in waiting if not pending.intersection(reads(node))]
        chosen = ready[int(rng.integers(len(ready)))]
        waiting = [node for node in waiting if node is not chosen]
        pending.difference_update(writes(chosen))
        done.append(chosen)
    return done


def in_other_order(model: onnx.ModelProto, rng: np.random.Generator) -> onnx.ModelProto:
    """The model with its nodes shuffled."""
    other = onnx.ModelProto.FromString(model.SerializeToString())
    nodes = topological(list(other.graph.node), lambda n: n.input, lambda n: n.output, rng)
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del other.graph.node[:]
    other.graph.node.extend(copies)
    return other


def other_visits(rng: np.random.Generator) -> AbstractContextManager[Any]:
    """While this is active, rewrites visit independent nodes in random orders."""

    def shuffled(rule: type[Rule[Any]], graph: Graph, context: Context) -> int:
        def reads(node: Node) -> list[str]:
            return node.inputs

        graph.nodes = topological(graph.nodes, reads, lambda node: node.outputs, rng)
        return apply(rule, graph, context)

    return mock.patch.object(passes, "apply", shuffled)


def summary(report: Report) -> Any:
    """What a report says, whatever the order of its parts."""
    told = report.to_dict()
    layers = sorted(told["layers"], key=lambda row: str(row["output"]))
    for row in layers:
        row["fused"] = sorted(row["fused"])
    return layers, sorted(told["warnings"]), told["totals"], sorted(report.zeros)


def content(model: Model) -> Any:
    """The ops of a file with their constants, whatever their order and names."""

    def facts(index: int) -> Any:
        tensor = model.tensors[index]
        return tensor.type.name, tensor.dims, tensor.data if tensor.constant else None

    return sorted(
        repr((op.kind.name, op.steps, [*map(facts, op.inputs)], [*map(facts, op.outputs)]))
        for op in model.ops
    )

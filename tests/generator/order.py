# SPDX-License-Identifier: BSD-3-Clause
"""The same network with its independent nodes in another order, in the file and in front of every rewrite."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar
from unittest import mock

import numpy as np
import onnx

from converter import dab, passes
from converter.graph import Graph, Node
from converter.passes.rule import Context, Rule, apply
from converter.report import Report

N = TypeVar("N")
Names = Callable[[N], Iterable[str]]


def topological(
    nodes: Sequence[N], reads: Names[N], writes: Names[N], rng: np.random.Generator
) -> list[N]:
    """A random order in which everything is written before it is read."""
    writer = {name: i for i, node in enumerate(nodes) for name in writes(node)}
    before = [{writer[name] for name in reads(node) if name in writer} for node in nodes]
    after: list[list[int]] = [[] for _ in nodes]
    for i, needed in enumerate(before):
        for j in needed:
            after[j].append(i)
    ready, done = [i for i, needed in enumerate(before) if not needed], list[N]()
    while ready:
        at = int(rng.integers(len(ready)))
        ready[at], ready[-1] = ready[-1], ready[at]
        chosen = ready.pop()
        done.append(nodes[chosen])
        for i in after[chosen]:
            before[i].discard(chosen)
            if not before[i]:
                ready.append(i)
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
    """What a report says, whatever the order of its parts.

    Of several equal nodes on the way to a layer it names one: which one is left out, and so are the ways.
    """
    told = report.to_dict()
    layers = sorted(told["layers"], key=lambda row: str(row["output"]))
    for row in layers:
        row["fused"] = sorted(row["fused"])
        row["reason"] = row["reason"].partition(", through")[0]
        del row["input"]
    text = repr((layers, sorted(told["warnings"]), told["totals"], sorted(report.zeros)))
    return re.sub(r"'[^']*'", "''", text), [(row["output"], row["kind"]) for row in layers]


def content(graph: Graph) -> list[str]:
    """One digest for each node of a graph, made from all that it computes: whatever the order and the names."""
    digests = {name: f"input {name}" for name in graph.inputs}
    for value in graph.values.values():
        if value.const is not None:
            plain = (value.dtype.str, value.shape, value.const.tobytes())
            digests[value.name] = digest(plain)
    found = []
    for node in graph.nodes:
        attrs = sorted((key, repr(value)) for key, value in node.attrs.items())
        operands = [digests[name] for name in node.inputs]
        if node.op == "add":
            operands.sort()
        kept = [name for name in node.outputs if name in graph.outputs]
        found.append(digest((node.op, attrs, operands)))
        digests.update(dict.fromkeys(node.outputs, found[-1]))
        found += [f"output {name} {found[-1]}" for name in kept]
    return sorted(found)


def digest(data: Any) -> str:
    """A short name of what a repr says."""
    return hashlib.sha256(repr(data).encode()).hexdigest()[:16]


def nameless(data: bytes) -> Any:
    """Everything in a file but the names, and where the constants stand behind these."""
    model = dab.read(data)
    ops = [(op.kind, op.inputs, op.outputs, op.words, op.steps) for op in model.ops]
    constants = [None if t.data is None else t.data.tobytes() for t in model.tensors]
    places = [None if t.constant else t.offset for t in model.tensors]
    forms = [(tensor.type, tensor.dims) for tensor in model.tensors]
    return ops, constants, places, forms, model.inputs, model.outputs

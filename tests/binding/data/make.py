# SPDX-License-Identifier: BSD-3-Clause
"""Write the small models of the binding's tests and their expected outputs: `python tests/binding/data/make.py`.

The outputs come from the numpy executor of .dab files, not from the library.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from converter import dab, dab_run  # noqa: E402
from converter.graph import Graph, Node  # noqa: E402
from converter.lower import lower  # noqa: E402

METADATA = {"producer": "tests/binding/data/make.py"}


def _window(pads: int) -> dict[str, object]:
    return {"strides": (1, 1), "dilations": (1, 1), "pads": (pads,) * 4, "groups": 1}


def tiny() -> bytes:
    """Image [1, 3, 5, 5] -> conv -> BN -> sign -> binary conv -> BN -> global average -> scores [1, 4]."""
    rng = np.random.default_rng(0)
    graph = Graph("tiny")
    graph.inputs, graph.outputs = ["image"], ["scores"]

    def add(
        op: str, inputs: list[str], output: str, shape: tuple[int, ...], **attrs: object
    ) -> None:
        graph.add_value(output, shape)
        graph.nodes.append(Node(op, inputs, [output], dict(attrs), [output]))

    def const(*shape: int) -> str:
        return graph.add_const(rng.integers(-8, 9, shape).astype(np.float32) / 8)

    graph.add_value("image", (1, 3, 5, 5))
    add("conv", ["image", const(9, 3, 3, 3)], "stem", (1, 9, 5, 5), **_window(1))
    add("affine", ["stem", const(9), const(9)], "norm", (1, 9, 5, 5))
    zero = graph.add_const(np.zeros(9, np.float32))
    flip = graph.add_const(np.zeros(9, bool))
    add("quantise", ["norm", zero, flip], "sign", (1, 9, 5, 5))
    weight = graph.add_const(rng.choice([-1, 1], (4, 9, 3, 3)).astype(np.int8))
    add("bconv", ["sign", weight], "dot", (1, 4, 5, 5), **_window(1), border=0)
    add("affine", ["dot", const(4), const(4)], "map", (1, 4, 5, 5))
    window = {"kernel": (5, 5), "strides": (1, 1), "pads": (0, 0, 0, 0), "count_pad": False}
    add("avgpool", ["map"], "mean", (1, 4, 1, 1), **window)
    add("reshape", ["mean"], "scores", (1, 4))
    return lower(graph, METADATA)


def pair() -> bytes:
    """left [1, 4] + right [1, 4] -> total; max(total, 0) -> positive."""
    graph = Graph("pair")
    graph.inputs, graph.outputs = ["left", "right"], ["total", "positive"]
    for name in (*graph.inputs, *graph.outputs):
        graph.add_value(name, (1, 4))
    graph.nodes.append(Node("add", ["left", "right"], ["total"], sources=["add"]))
    limits = {"low": 0.0, "high": float("inf")}
    graph.nodes.append(Node("clip", ["total"], ["positive"], limits, ["relu"]))
    return lower(graph, METADATA)


def main() -> None:
    """Write all files."""
    rng = np.random.default_rng(1)
    image = rng.standard_normal((1, 3, 5, 5)).astype(np.float32)
    left, right = rng.standard_normal((2, 1, 4)).astype(np.float32)
    tiny_bytes, pair_bytes = tiny(), pair()
    (scores,) = dab_run.run(dab.read(tiny_bytes), [image])
    total, positive = dab_run.run(dab.read(pair_bytes), [left, right])
    (HERE / "tiny.dab").write_bytes(tiny_bytes)
    (HERE / "pair.dab").write_bytes(pair_bytes)
    arrays = {
        "image": image,
        "scores": scores,
        "left": left,
        "right": right,
        "total": total,
        "positive": positive,
    }
    np.savez(HERE / "expected.npz", **arrays)


if __name__ == "__main__":
    main()

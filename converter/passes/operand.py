# SPDX-License-Identifier: BSD-3-Clause
"""The activation operand of a convolution or dense layer, as bits: v = scale * q + offset, q two-valued (-1, +1).

Behind v may stand affines (activations of {0, 1} are 0.5 * q + 0.5) and a constant padding, which becomes the border of the
convolution: the value p of v is q = (p - offset) / scale. Convolutions have borders of -1, 0 and +1; others are a mix of two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from converter.graph import Graph, Node
from converter.passes.origin import origin
from converter.passes.rule import uniform
from converter.passes.values import SIGNED, Fact

Pads = tuple[int, int, int, int]
#: Borders that binary convolutions have (None: no padding).
BORDERS = (None, -1, 0, 1)
#: Largest |q| of a border. A mix of results with borders of -1 and +1 has factors of this size, and so has their rounding.
MAX_BORDER = 8


@dataclass(frozen=True)
class Operand:
    """`value` takes two values, of which `upper` stands for q = +1; `signs`: it is q itself, ready as bits.

    `border`: q of padded taps (an int if it is -1, 0 or +1), None without padding.
    `pad`: the pad node that the convolution takes over.
    """

    value: str
    upper: float
    signs: bool
    scale: float = 1.0
    offset: float = 0.0
    border: float | None = None
    pads: Pads = (0, 0, 0, 0)
    pad: Node | None = None


def find_operand(graph: Graph, facts: dict[str, Fact], node: Node) -> Operand | str:
    """The input of a layer as bits, or in words why it has none."""
    pads: Pads = node.attrs.get("pads", (0, 0, 0, 0))
    pad = graph.producer(node.inputs[0])
    refusal = ""
    if pad is not None and pad.op == "pad" and node.op == "conv":
        found = _behind_pad(graph, facts, pad, pads)
        if isinstance(found, Operand):
            return found
        refusal = found
    found = _peel(graph, facts, node.inputs[0])
    if isinstance(found, str):
        return refusal or found
    if not any(pads):
        return found
    border = _border(found, 0.0)
    if border is None:
        return (
            f"its padding adds 0, which is far from the values of its input, {found.offset - found.scale:g} and "
            f"{found.offset + found.scale:g}"
        )
    return replace(found, border=border, pads=pads)


def _behind_pad(graph: Graph, facts: dict[str, Fact], pad: Node, pads: Pads) -> Operand | str:
    """The operand in front of a pad node that the convolution can take over."""
    before, after, value = pad.attrs["before"], pad.attrs["after"], pad.attrs["value"]
    found = _peel(graph, facts, pad.inputs[0])
    if isinstance(found, str):
        return found
    if any((*before[:2], *after[:2])):
        return "its input is padded on the channel axis"
    if any(pads) and value != 0:
        return f"a Pad with {value:g} and the padding with 0 of the convolution meet at its border"
    border = _border(found, value)
    if border is None:
        return f"its input is padded with {value:g}, which is far from its two values"
    together = tuple(a + b for a, b in zip(pads, (*before[2:], *after[2:]), strict=True))
    return replace(found, border=border, pads=together, pad=pad)


def _border(operand: Operand, value: float) -> float | None:
    q = (value - operand.offset) / operand.scale
    if abs(q) > MAX_BORDER:
        return None
    return int(q) if q in (-1, 0, 1) else q


def _peel(graph: Graph, facts: dict[str, Fact], name: str) -> Operand | str:
    """Go through affines that treat all channels alike, to something two-valued."""
    scale, offset = 1.0, 0.0
    producer = graph.producer(name)
    while producer is not None and producer.op == "affine":
        mul, add = (graph.const(c) for c in producer.inputs[1:])
        if mul is None or add is None or not uniform(mul) or not uniform(add) or mul[0] == 0:
            break
        scale, offset = scale * float(mul[0]), offset + scale * float(add[0])
        name = producer.inputs[0]
        producer = graph.producer(name)
    fact = facts.get(name, Fact())
    levels = fact.two_valued()
    if levels is None:
        return describe_input(graph, facts, name)
    half, middle = (levels[1] - levels[0]) / 2, (levels[1] + levels[0]) / 2
    return Operand(
        name, levels[1], is_bits(graph, name), scale=scale * half, offset=offset + scale * middle
    )


def is_bits(graph: Graph, name: str) -> bool:
    """Whether a value is written as bits: by a sign operator; enlarged, flattened (or with the same channels, one pixel)."""
    producer, shape = graph.producer(name), graph.shape(name)
    if producer is not None and producer.op == "reshape":
        before = graph.shape(producer.inputs[0])
        flat = shape == (1, math.prod(before)) and before[0] == 1
        if not flat and not shape[1] == before[1] == math.prod(before):
            return False
        producer = graph.producer(producer.inputs[0])
    while producer is not None and producer.op == "gather2d":
        producer = graph.producer(producer.inputs[0])
    return producer is not None and producer.op in SIGNED


def describe_input(graph: Graph, facts: dict[str, Fact], name: str) -> str:
    """Why an input is not two-valued, with the place where it comes from."""
    producer, fact = graph.producer(name), facts.get(name, Fact())
    source = f"graph input '{name}'" if producer is None else producer.describe()
    found = fact.distinct() if not fact.nominal else None
    if found is not None and len(found) == 1:
        return f"its input is always {found[0]:g}: it comes from {source}"
    if found is not None:
        listed = ", ".join(f"{v:g}" for v in found)
        return f"its input takes {len(found)} values ({listed}): it comes from {source}"
    if fact.finite and not fact.nominal:
        return f"its input has different values in each channel: it comes from {source}"
    return f"its input is real-valued: it comes from {origin(graph, facts, name)}"

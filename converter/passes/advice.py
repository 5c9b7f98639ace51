# SPDX-License-Identifier: BSD-3-Clause
"""What the author of a model could change where a layer did not become binary."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from converter.graph import Array, Graph, Node
from converter.passes.operand import is_bits
from converter.passes.origin import known
from converter.passes.values import Fact

EXPORT_SIGNS = (
    "if this weight is meant to be binary, export sign(w) * alpha with one alpha for each output channel (or the Sign itself) "
    "in place of the float weight that training keeps; else leave it"
)
TERNARY = (
    "one bit holds no 0: take where(w >= 0, 1, -1) for the weight in place of Sign, which gives 0 for 0; a ternary network "
    "cannot become binary"
)
CENTRE = (
    "two values that are not opposite numbers need a layer without groups, an input of two values and a mode other than "
    "--strict; else train with +-alpha"
)
SHOW = "write Sign (and Pad with -1 or +1) into the exported graph, or convert with --moderate"
BORDER = (
    "pad with one of the two values of the input, or with their mean: torch.nn.functional.pad(x, pad, value=-1.0) behind the "
    "sign and padding=0 in the convolution"
)
FIRST = "nothing, if this is the first layer: its result is exact; a sign in front of it would make it binary"
ZERO = "take where(x >= 0, 1, -1) for the sign, which has no third value, and no ReLU or padding with 0 behind it"
SIGN = (
    "put a sign directly in front of this layer: torch.where(x >= 0, 1.0, -1.0); between them only padding, max-pooling, "
    "concatenation and changes of shape keep two values"
)
REAL = "write the sign into the model and train with it, so that the results are the model's own"
ROWS = "binary dense layers take one row at a time: flatten to [1, K], or express it as a 1x1 convolution"


def advise_weight(weight: Array) -> str:
    """For a weight that is not +-alpha."""
    if np.any(weight == 0) and len(np.unique(np.abs(weight))) <= 1 + len(weight):
        return TERNARY
    return CENTRE if len(np.unique(weight)) == 2 else EXPORT_SIGNS


def advise_input(graph: Graph, facts: Mapping[str, Fact], node: Node) -> str:
    """For an input that no binary layer can read."""
    x = node.inputs[0]
    if node.op == "dense" and graph.shape(x)[0] != 1:
        return ROWS
    pad = graph.producer(x)
    behind = pad.inputs[0] if pad is not None and pad.op == "pad" else x
    fact = facts.get(behind, Fact())
    if is_bits(graph, behind) or fact.two_valued() is not None:
        return BORDER
    if known(facts, behind):
        return ZERO
    return FIRST if x in graph.inputs or behind in graph.inputs else SIGN

# SPDX-License-Identifier: BSD-3-Clause
"""From the imported graph to one whose layers are binary where they should be: `run`.

Each file is one kind of rewrite; `PASSES` is their order.

1. Clean: transposes cancel, equal nodes and neighbours merge.
2. Signs become `quantise`, whatever their spelling; missing ones are inserted where mode or list say so.
3. Layers become `bconv`, `bdense`, or get int8 weights; each gets a row of the report.
4. Signs of dot products become integer thresholds; max-pooling moves behind them.
5. Clean again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from converter.errors import ConversionError
from converter.graph import Graph
from converter.passes.affines import ArithmeticToAffine, DropIdentity, MergeAffines
from converter.passes.binarise import Binarise
from converter.passes.cse import Cse
from converter.passes.finish import Finish
from converter.passes.gates import Gates
from converter.passes.gathers import QuantiseBeforeGather
from converter.passes.insert import InsertSigns
from converter.passes.int8 import Int8Layers
from converter.passes.own_scale import OwnScale
from converter.passes.pads import MergePads, PadBehindQuantise
from converter.passes.pairs import SplitPairs
from converter.passes.pools import PoolSigns, QuantiseBeforePool
from converter.passes.reshapes import MergeReshapes, ReshapeSigns
from converter.passes.rule import Context, Mode, Rule, SignZero, apply
from converter.passes.signs import Signs
from converter.passes.straight import StraightThrough
from converter.passes.thresholds import Thresholds
from converter.passes.transposes import (
    MergeTransposes,
    TransposeAtInput,
    TransposeBehind,
    TransposeIntoDense,
)
from converter.passes.zeros import Zeros
from converter.progress import Tell, silent
from converter.report import Report

__all__ = ["PASSES", "Mode", "SignZero", "run"]

PASSES: tuple[type[Rule[Any]], ...] = (
    OwnScale,
    MergeReshapes,
    DropIdentity,
    MergeTransposes,
    DropIdentity,  # a pair that cancelled is no transpose of an input
    TransposeAtInput,
    TransposeBehind,
    MergeTransposes,
    DropIdentity,
    MergeReshapes,
    TransposeIntoDense,
    Cse,
    Signs,
    StraightThrough,
    ArithmeticToAffine,
    Cse,
    InsertSigns,
    PadBehindQuantise,
    MergePads,
    ReshapeSigns,
    PoolSigns,
    QuantiseBeforePool,
    QuantiseBeforeGather,
    SplitPairs,
    Binarise,
    Cse,
    QuantiseBeforePool,
    QuantiseBeforeGather,
    PoolSigns,
    Signs,
    Thresholds,
    Zeros,
    Gates,
    Int8Layers,
    MergeAffines,
    MergeReshapes,
    DropIdentity,
    Cse,
    Finish,
)


def run(
    graph: Graph,
    mode: Mode | str = Mode.AGGRESSIVE,
    binary_list: Iterable[str] = (),
    sign_zero: SignZero | str = SignZero.AUTO,
    tell: Tell = silent,
) -> Report:
    """Rewrite the graph in place and report on each of its layers.

    `binary_list`: names that the source model gives the outputs of convolutions (or dense layers) that are to become binary
    whatever their weights are. `tell` hears what is being done. Raises ConversionError for unknown names and where a 0 reaches
    an ONNX Sign and `sign_zero` does not say what becomes of it.
    """
    mode, names = Mode(mode), frozenset(binary_list)
    known = {
        node.attrs.get("result", node.output)
        for node in graph.nodes
        if node.op in ("conv", "dense")
    }
    if unknown := sorted(names - known):
        raise ConversionError(
            f"--binary-list names {', '.join(map(repr, unknown))}, but no convolution or dense layer has "
            f"such an output; there are: {', '.join(sorted(known)) or 'none'}"
        )
    context = Context(mode, SignZero(sign_zero), Report(mode.value), names)
    for note in graph.notes:
        context.report.warn(note)
    for number, rule in enumerate(PASSES, 1):
        tell(f"rewrite {number} of {len(PASSES)}: {rule.__name__}")
        apply(rule, graph, context)
    if context.zeros:
        context.report.warn(
            f"where ONNX Sign meets exactly 0 in floats, this model takes +1 for its 0 (--sign-zero chooses): "
            f"{', '.join(context.zeros)}"
        )
    if context.straight:
        context.report.warn(
            f"sums (s - t) + t are taken as s, of which they differ by the rounding of t: {', '.join(context.straight)}"
        )
    return context.report

# SPDX-License-Identifier: BSD-3-Clause
"""What a .dab model consists of, as text: the `inspect` command."""

from __future__ import annotations

from converter import dab
from converter.dab_model import KINDS, Kind, Op, Tensor
from converter.dab_model import Model as File
from pylibbnn.model import Model

_HEAD = (
    "op",
    "kind",
    "source nodes",
    "output",
    "parameters",
    "multiply-adds",
    "weight bytes",
    "steps",
)
_SOURCE_WIDTH = 44  # longer lists of source nodes are cut in the middle


def describe(model: Model) -> list[str]:
    """Return the lines of a report: inputs, outputs, a row per op, memory, metadata."""
    file = dab.read(model.data)
    rows = [_HEAD, *(_row(index, file, op, model) for index, op in enumerate(file.ops))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    right = {5, 6}
    table = [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    binary = sum(s.macs for s in model.steps if s.kind in ("bconv2d", "bdense"))
    total = sum(s.macs for s in model.steps)
    constants = sum(t.bytes for t in file.tensors if t.constant)
    scratch = max((s.scratch_bytes for s in model.steps), default=0)
    return [
        f"{model.source}: {model.file_bytes} bytes, of them {constants} bytes of constants",
        *(f"input   {t.name} {list(t.shape)} {t.dtype}" for t in model.inputs),
        *(f"output  {t.name} {list(t.shape)} {t.dtype}" for t in model.outputs),
        "",
        *table,
        "",
        f"multiply-adds: {total}, binary {100 * binary / total if total else 0:.1f} %",
        f"arena: {model.arena_bytes} bytes, of them activations {file.activation_bytes}, scratch {scratch}",
        *(f"{key}: {value}" for key, value in model.metadata.items()),
    ]


def _row(index: int, file: File, op: Op, model: Model) -> tuple[str, ...]:
    step = model.steps[index]
    outputs = ", ".join(_tensor(file.tensors[i]) for i in op.outputs)
    steps = " ".join(step.name.lower() for step in op.steps)
    return (
        str(index),
        op.kind.name.lower(),
        _shorten(op.name),
        outputs,
        _parameters(file, op),
        str(step.macs or ""),
        str(step.weight_bytes or ""),
        steps,
    )


def _tensor(tensor: Tensor) -> str:
    return f"{tensor.type.name.lower()} {'x'.join(map(str, tensor.dims))}"


def _parameters(file: File, op: Op) -> str:
    """Return the geometry of windowed ops in the usual short form, e.g. "3x3 s2 p1 border 0"."""
    names = KINDS[op.kind].words  # the words behind them are the steps
    words = dict(zip(names, op.words[: len(names)], strict=True))
    if "stride_h" not in words:
        return f"axis {words['axis']}" if "axis" in words else ""
    parts = ["x".join(map(str, _kernel(file, op, words)))]
    for letter, name in (("s", "stride"), ("d", "dilation")):
        high, wide = words[f"{name}_h"], words[f"{name}_w"]
        if (high, wide) != (1, 1):
            parts.append(f"{letter}{high}" if high == wide else f"{letter}{high},{wide}")
    pads = [words[f"pad_{side}"] for side in ("top", "left", "bottom", "right")]
    if any(pads):
        parts.append(f"p{pads[0]}" if len(set(pads)) == 1 else "p" + ",".join(map(str, pads)))
        if op.kind == Kind.BCONV2D:
            parts.append(f"border {words['border']}")
    groups = file.tensors[op.inputs[1]].dims[0] if op.kind in (Kind.BCONV2D, Kind.CONV2D) else 1
    if groups > 1:
        parts.append(f"g{groups}")
    return " ".join(parts)


def _kernel(file: File, op: Op, words: dict[str, int]) -> tuple[int, ...]:
    """Return (height, width) of a window: pools say it themselves, convolutions have it in their weights."""
    if "kernel_h" in words:
        return words["kernel_h"], words["kernel_w"]
    return file.tensors[op.inputs[1]].dims[2:4]


def _shorten(text: str) -> str:
    if len(text) <= _SOURCE_WIDTH:
        return text
    half = (_SOURCE_WIDTH - 3) // 2
    return f"{text[:half]}...{text[-half:]}"

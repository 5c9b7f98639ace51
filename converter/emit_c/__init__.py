# SPDX-License-Identifier: BSD-3-Clause
"""A model as C source: `python -m converter model.onnx --emit c`.

NAME.h         typed, shaped prototypes; bytes of memory
NAME.c         NAME_init, NAME_run over memory of the caller's
NAME_static.c  the same over memory of its own; not linked by who does not call it
NAME_data.c    the .dab file as an array, for flash
NAME_config.h  switches for a library with only what this model needs

The files say the same for the same model, wherever and whenever they are written.
"""

from __future__ import annotations

from collections.abc import Iterator

from converter import dab, library
from converter.emit_c import names
from converter.emit_c.templates import FILES
from converter.errors import ConversionError

__all__ = ["emit", "names"]

ALIGNMENT = 64  # BNN_ALIGNMENT
BYTES_PER_LINE = 24
C_TYPES = {
    dab.Type.F32: "float",
    dab.Type.I32: "int32_t",
    dab.Type.I8: "int8_t",
    dab.Type.U8: "uint8_t",
}


def file_names(name: str) -> list[str]:
    """The files that `emit` makes."""
    return [f"{name}{end}" for end in FILES]


def emit(data: bytes, name: str) -> dict[str, bytes]:
    """The source files of a model, by name. `name`: names.is_model_name. Raises ConversionError for a broken file."""
    try:
        model = dab.read(data)
    except dab.DabError as error:
        raise ConversionError(f"the file is broken: {error}; convert the model again") from error
    source = model.metadata.get("source", "")
    inputs = [model.tensors[index] for index in model.inputs]
    outputs = [model.tensors[index] for index in model.outputs]
    directions = [*(("in", t.name) for t in inputs), *(("out", t.name) for t in outputs)]
    parameters = names.parameters(directions)
    tensors = list(zip(parameters, [*inputs, *outputs], strict=True))
    title = f"{name}: written by the libbnn converter" + (
        f" from {names.comment(source)}." if source else "."
    )
    texts = {
        "name": name,
        "upper": name.upper(),
        "title": title,
        "alignment": ALIGNMENT,
        "model_bytes": len(data),
        "arena_bytes": _arena_bytes(data),
        "arguments": ", ".join(parameters),
        "parameters": ", ".join(_declared(tensors, len(inputs))),
        "tensors": "\n".join(f" *   {p}: {_described(t)}" for p, t in tensors),
        "copies": "\n".join(_copies(tensors, len(inputs))),
        "ops": "\n".join(_ops(model)),
        "rows": "\n".join(_rows(data)),
        "switches": "\n".join(f"#define BNN_CONFIG_{switch} 1" for switch in _switches(model)),
    }
    return {f"{name}{end}": text.format(**texts).encode("ascii") for end, text in FILES.items()}


def _arena_bytes(data: bytes) -> int:
    """What the portable kernels take on this machine: with 64-bit pointers, hence enough for others."""
    arena_bytes: int = library.load(data, "--emit c", "c").arena_bytes
    return arena_bytes


def _declared(tensors: list[tuple[str, dab.Tensor]], inputs: int) -> Iterator[str]:
    """The parameters of NAME_run."""
    for i, (parameter, tensor) in enumerate(tensors):
        dims = "".join(f"[{dim}]" for dim in tensor.dims)
        yield f"{'const ' if i < inputs else ''}{C_TYPES[tensor.type]} {parameter}{dims}"


def _copies(tensors: list[tuple[str, dab.Tensor]], inputs: int) -> Iterator[str]:
    """The body of NAME_run."""
    for i, (parameter, tensor) in enumerate(tensors):
        if i == inputs:
            yield "    bnn_run(plan);"
        place = f"bnn_plan_output(plan, {i - inputs})"
        to, from_ = (f"bnn_plan_input(plan, {i})", parameter) if i < inputs else (parameter, place)
        yield f"    copy({to}, {from_}, {tensor.bytes});"


def _described(tensor: dab.Tensor) -> str:
    dims = ", ".join(map(str, tensor.dims))
    return f"{names.comment(tensor.name)} {tensor.type.name} [{dims}]".lstrip()


def _ops(model: dab.Model) -> Iterator[str]:
    """A comment's lines: each op with what it reads and writes."""
    for i, op in enumerate(model.ops):
        yield f" *   {i} {op.kind.name.lower()} ({names.comment(op.name) or 'no name'})"
        for index in op.inputs:
            tensor = model.tensors[index]
            yield f" *       {'with' if tensor.constant else 'reads'} {_described(tensor)}"
        yield from (f" *       writes {_described(model.tensors[index])}" for index in op.outputs)


def _switches(model: dab.Model) -> list[str]:
    """What of the library the model needs: op kinds and steps, in their order."""
    kinds = {op.kind for op in model.ops}
    steps = {step for op in model.ops for step in op.steps}
    return [
        *(f"OP_{kind.name.lower()}" for kind in dab.Kind if kind in kinds),
        *(f"STEP_{step.name.lower()}" for step in dab.Step if step in steps),
    ]


def _rows(data: bytes) -> Iterator[str]:
    for at in range(0, len(data), BYTES_PER_LINE):
        yield "    " + " ".join(f"{byte}," for byte in data[at : at + BYTES_PER_LINE])

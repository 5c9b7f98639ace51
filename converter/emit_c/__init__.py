# SPDX-License-Identifier: BSD-3-Clause
"""A model as C source: `python -m converter model.onnx --emit c`.

NAME.h         typed, shaped prototypes; bytes of memory
NAME.c         NAME_init, NAME_run over memory of the caller's
NAME_static.c  the same over memory of its own; not linked by who does not call it
NAME_data.c    the .dab file as an array, for flash
NAME_config.h  switches for a library with only what this model needs

Unrolled, the library binds the model here: NAME.c has the calls and their states (unroll.py), NAME_data.c what these need of
the file; there is nothing to initialise.

The files say the same for the same model, wherever and whenever they are written.
"""

from __future__ import annotations

from collections.abc import Iterator

from converter import dab, library
from converter.emit_c import names
from converter.emit_c.templates import FILES, UNROLLED_FILES
from converter.emit_c.unroll import unroll
from converter.errors import ConversionError

__all__ = ["emit", "emit_unrolled", "names"]

ALIGNMENT = 64  # BNN_ALIGNMENT
BYTES_PER_LINE = 24
C_TYPES = {
    dab.Type.F32: "float",
    dab.Type.I32: "int32_t",
    dab.Type.I8: "int8_t",
    dab.Type.U8: "uint8_t",
}


def file_names(name: str, unrolled: bool = False) -> list[str]:
    """The files that `emit` or `emit_unrolled` makes."""
    return [f"{name}{end}" for end in (UNROLLED_FILES if unrolled else FILES)]


def emit(data: bytes, name: str) -> dict[str, bytes]:
    """The source files of a model, by name. `name`: names.is_model_name. Raises ConversionError for a broken file."""
    model = _read(data)
    io = _Interface(model)
    texts = {
        **_texts(model, name, io),
        "model_bytes": len(data),
        "arena_bytes": _arena_bytes(data),
        "copies": "\n".join(
            io.copies(
                "copy",
                "bnn_plan_input(plan, {0})",
                "    bnn_run(plan);",
                "bnn_plan_output(plan, {0})",
            )
        ),
        "rows": "\n".join(_rows(data)),
    }
    return _filled(FILES, name, texts)


def emit_unrolled(data: bytes, name: str, small: bool = False) -> dict[str, bytes]:
    """The same with the plan as constants and calls. `small`: float layers by their definition (BNN_CONFIG_SMALL)."""
    model = _read(data)
    io = _Interface(model)
    plan = unroll(data, model, f"{name}_model", small)
    texts = {
        **_texts(model, name, io),
        **dict(zip(("major", "minor", "patch"), library.version().split("."), strict=True)),
        "model_bytes": len(plan.data),
        "arena_bytes": plan.arena_bytes,
        "states": "\n".join(plan.states),
        "calls": "\n".join(plan.calls),
        "copies": "\n".join(
            io.copies("bnn_memcpy", "arena + {1}", "    compute();", "arena + {1}")
        ),
        "rows": "\n".join(_rows(plan.data)),
    }
    return _filled(UNROLLED_FILES, name, texts)


def _read(data: bytes) -> dab.Model:
    try:
        return dab.read(data)
    except dab.DabError as error:
        raise ConversionError(f"the file is broken: {error}; convert the model again") from error


def _texts(model: dab.Model, name: str, io: _Interface) -> dict[str, object]:
    """What all templates may say."""
    source = model.metadata.get("source", "")
    written = f"{name}: written by the libbnn converter"
    return {
        "name": name,
        "upper": name.upper(),
        "title": written + (f" from {names.comment(source)}." if source else "."),
        "alignment": ALIGNMENT,
        "arguments": ", ".join(io.parameters),
        "parameters": ", ".join(io.declared()),
        "tensors": "\n".join(f" *   {p}: {_described(t)}" for p, t in io.pairs),
        "ops": "\n".join(_ops(model)),
        "switches": "\n".join(f"#define BNN_CONFIG_{switch} 1" for switch in _switches(model)),
    }


def _filled(files: dict[str, str], name: str, texts: dict[str, object]) -> dict[str, bytes]:
    return {f"{name}{end}": text.format(**texts).encode("ascii") for end, text in files.items()}


class _Interface:
    """Inputs and outputs as parameters of NAME_run."""

    def __init__(self, model: dab.Model) -> None:
        self.inputs = [model.tensors[index] for index in model.inputs]
        self.outputs = [model.tensors[index] for index in model.outputs]
        ways = [*(("in", t.name) for t in self.inputs), *(("out", t.name) for t in self.outputs)]
        self.parameters = names.parameters(ways)
        self.pairs = list(zip(self.parameters, [*self.inputs, *self.outputs], strict=True))

    def declared(self) -> Iterator[str]:
        """The parameters with their types."""
        for i, (parameter, tensor) in enumerate(self.pairs):
            dims = "".join(f"[{dim}]" for dim in tensor.dims)
            const = "const " if i < len(self.inputs) else ""
            yield f"{const}{C_TYPES[tensor.type]} {parameter}{dims}"

    def copies(self, copy: str, input_place: str, run: str, output_place: str) -> Iterator[str]:
        """The body of NAME_run; places with {0} for the number among inputs or outputs, {1} for the offset in the arena."""
        for i, (parameter, tensor) in enumerate(self.pairs[: len(self.inputs)]):
            yield f"    {copy}({input_place.format(i, tensor.offset)}, {parameter}, {tensor.bytes});"
        yield run
        for i, (parameter, tensor) in enumerate(self.pairs[len(self.inputs) :]):
            yield f"    {copy}({parameter}, {output_place.format(i, tensor.offset)}, {tensor.bytes});"


def _arena_bytes(data: bytes) -> int:
    """What the portable kernels take on this machine: with 64-bit pointers, hence enough for others."""
    arena_bytes: int = library.load(data, "--emit c", "c").arena_bytes
    return arena_bytes


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

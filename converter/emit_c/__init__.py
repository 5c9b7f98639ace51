# SPDX-License-Identifier: BSD-3-Clause
"""A model as C source: `python -m converter model.onnx --emit c`.

NAME.h         typed, shaped prototypes; bytes of memory
NAME.c         NAME_init, NAME_run over memory of the caller's
NAME_static.c  the same over memory of its own; not linked by who does not call it
NAME_data.c    the .dab file as an array, for flash

The files say the same for the same model, wherever and whenever they are written.
"""

from __future__ import annotations

from collections.abc import Iterator

from converter import dab
from converter.emit_c import names
from converter.errors import ConversionError
from converter.fold import first_line

__all__ = ["emit", "names"]

ALIGNMENT = 64  # BNN_ALIGNMENT
BYTES_PER_LINE = 24
C_TYPES = {
    dab.Type.F32: "float",
    dab.Type.I32: "int32_t",
    dab.Type.I8: "int8_t",
    dab.Type.U8: "uint8_t",
}

HEADER = """\
/* {title}
 *
 *     static _Alignas({upper}_ALIGNMENT) uint8_t arena[{upper}_ARENA_BYTES];
 *     bnn_plan *plan;
 *     if ({name}_init(&plan, arena, sizeof arena, NULL) != BNN_OK) ... a bnn_error in NULL's place says why
 *     {name}_run(plan, {arguments});
 */
#ifndef {upper}_H
#define {upper}_H

#include <stddef.h>
#include <stdint.h>

#if defined(__has_include)
#if __has_include("bnn.h")
#define {upper}_AMALGAMATED 1
#endif
#endif
#ifdef {upper}_AMALGAMATED
#include "bnn.h"
#else
#include <bnn/bnn.h>
#endif

#ifdef __cplusplus
extern "C" {{
#endif

#define {upper}_MODEL_BYTES {model_bytes}
#define {upper}_ALIGNMENT {alignment}

/* Memory that it works in: enough for the portable kernels, Cortex-M's and x86's. Kernels for AArch64 and NEON may prepare
 * weights and take more: {name}_arena_bytes() says it for the machine it runs on (0: the model is refused). */
#define {upper}_ARENA_BYTES {arena_bytes}
size_t {name}_arena_bytes(void);

/* The model, a .dab file. It stays where it is. */
extern const uint8_t {name}_model[{upper}_MODEL_BYTES];

/* Makes a plan in `arena`, which is aligned to {upper}_ALIGNMENT and stays the plan's. `error` may be NULL. */
BNN_MUST_CHECK bnn_status {name}_init(bnn_plan **plan, void *arena, size_t bytes, bnn_error *error);

/* The same in an array of {name}_static.c: one plan, which a second call makes anew. */
BNN_MUST_CHECK bnn_status {name}_init_static(bnn_plan **plan, bnn_error *error);

/* Runs the network once, from arrays of the caller's to others. Floats must not be NaN.
{tensors}
 * Without copies: bnn_plan_input and bnn_plan_output of bnn.h are the same tensors in the plan's memory. */
void {name}_run(bnn_plan *plan, {parameters});

#ifdef __cplusplus
}}
#endif
#endif
"""

SOURCE = """\
/* {title}
 *
 * What is computed, op by op:
{ops}
 */
#include "{name}.h"

static bnn_status load(bnn_model *model, bnn_error *error)
{{
    return bnn_model_init(model, {name}_model, sizeof {name}_model, error);
}}

size_t {name}_arena_bytes(void)
{{
    bnn_model model;
    size_t bytes;
    return load(&model, NULL) == BNN_OK && bnn_plan_size(&model, NULL, &bytes, NULL) == BNN_OK ? bytes : 0;
}}

bnn_status {name}_init(bnn_plan **plan, void *arena, size_t bytes, bnn_error *error)
{{
    bnn_model model;
    const bnn_status status = load(&model, error);
    return status == BNN_OK ? bnn_plan_init(plan, &model, NULL, arena, bytes, error) : status;
}}

static void copy(void *to, const void *from, size_t bytes)
{{
    for (size_t i = 0; i < bytes; i++) {{
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }}
}}

void {name}_run(bnn_plan *plan, {parameters})
{{
{copies}
}}
"""

STATIC = """\
/* {title} */
#include "{name}.h"

static _Alignas({upper}_ALIGNMENT) uint8_t arena[{upper}_ARENA_BYTES];

bnn_status {name}_init_static(bnn_plan **plan, bnn_error *error)
{{
    return {name}_init(plan, arena, sizeof arena, error);
}}
"""

DATA = """\
/* {title} */
#include "{name}.h"

_Alignas({upper}_ALIGNMENT) const uint8_t {name}_model[{upper}_MODEL_BYTES] = {{
{rows}
}};
"""


FILES = {".h": HEADER, ".c": SOURCE, "_static.c": STATIC, "_data.c": DATA}


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
    }
    return {f"{name}{end}": text.format(**texts).encode("ascii") for end, text in FILES.items()}


def _arena_bytes(data: bytes) -> int:
    """What the portable kernels take on this machine: with 64-bit pointers, hence enough for others."""
    try:
        import pylibbnn
    except ImportError as error:
        raise ConversionError(
            f"--emit c needs pylibbnn with its compiled library ({first_line(error)}); "
            "install it with: pip install ."
        ) from None
    try:
        return pylibbnn.Model(data, "c").arena_bytes
    except pylibbnn.BnnError as error:
        raise ConversionError(f"the library refuses the network: {error}") from error


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


def _rows(data: bytes) -> Iterator[str]:
    for at in range(0, len(data), BYTES_PER_LINE):
        yield "    " + " ".join(f"{byte}," for byte in data[at : at + BYTES_PER_LINE])

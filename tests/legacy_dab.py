# SPDX-License-Identifier: BSD-3-Clause
"""daBNN for tests: a writer of its .dab files after the schema, and what its run time computes, in numpy.

The computation is daBNN's own: blobs [H, W, C], bits in words, XOR and popcount, in-place layers that overwrite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
POPCOUNT = np.array([bin(i).count("1") for i in range(256)], np.uint8)
# Type: (number, field of Layer, fields of the parameters in the schema's order; [] marks a list).
SCHEMA: dict[str, tuple[int, int, tuple[str, ...]]] = {
    "FpConv2D": (0, 1, ("input", "weight", "bias", "pads", "strides", "dilations", "output")),
    "AvePool": (1, 3, ("input", "kernel_shape", "pads", "strides", "output")),
    "MaxPool": (2, 4, ("input", "kernel_shape", "pads", "strides", "output")),
    "Relu": (3, 5, ("input", "output")),
    "Softmax": (4, 6, ("input", "output")),
    "FC": (5, 7, ("input", "weight", "bias", "output")),
    "Add": (6, 8, ("input1", "input2", "output")),
    "Concat": (7, 9, ("inputs", "axis", "output")),
    "BinConv2D": (8, 2, ("input", "weight", "bias", "pads", "strides", "dilations", "output")),
    "Affine": (9, 10, ("input", "a", "b", "output")),
    "Binarize": (10, 11, ("input", "output")),
    "Split": (11, 12, ("input", "outputs")),
    "Shuffle": (12, 13, ("input", "output")),
    "PRelu": (13, 15, ("input", "slope", "output")),
}
LAYER_FIELDS, NAME_FIELD = 16, 14


def pack(weight: Array, aligned: bool) -> Array:
    """Words of a weight [O, H, W, C]; each filter padded to 128 bits where aligned."""
    bits = (weight > 0).reshape(len(weight), -1)
    if aligned:
        bits = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 128)))
    return np.packbits(np.pad(bits.reshape(-1), (0, -bits.size % 64)), bitorder="little").view(
        np.uint64
    )


class LegacyModel:
    """A model that grows layer by layer; `file` writes it, `run` computes it."""

    def __init__(self, shape: tuple[int, ...], version: int = 2, name: str = "image") -> None:
        self.shape, self.version, self.name = shape, version, name
        self.arrays: dict[str, tuple[Array, bool]] = {}
        self.layers: list[tuple[str, dict[str, Any]]] = []

    def array(self, name: str, data: Array, aligned: bool = False) -> str:
        """An initializer; int8 ones are stored as bits."""
        self.arrays[name] = (data, aligned)
        return name

    def layer(self, kind: str, **params: Any) -> str:
        """A layer; returns what it writes."""
        self.layers.append((kind, params))
        return str(params.get("output", ""))

    # -- the file --------------------------------------------------------------------------------
    def file(self) -> bytes:
        """The bytes, as daBNN's converter would order them."""
        import flatbuffers

        b = flatbuffers.Builder(1024)
        arrays = [self._array(b, name, *entry) for name, entry in self.arrays.items()]
        layers = []
        for kind, params in self.layers:
            number, field, names = SCHEMA[kind]
            assert set(params) <= set(names)
            record = table(b, [_value(b, params.get(name)) for name in names])
            fields: list[Any] = [None] * LAYER_FIELDS
            fields[0], fields[field] = ("Int8", number), record
            fields[NAME_FIELD] = _value(b, f"{kind} layer")
            layers.append(table(b, fields))
        shape = b.CreateNumpyVector(np.array(self.shape, np.uint32))
        inputs = [table(b, [("offset", shape), _value(b, self.name)])]
        parts = [("offset", vector(b, [at for _, at in part])) for part in (layers, arrays, inputs)]
        version = [("Uint32", self.version)] if self.version else []
        b.Finish(table(b, [*parts, *version])[1])
        return bytes(b.Output())

    def _array(self, b: Any, name: str, data: Array, aligned: bool) -> tuple[str, int]:
        bits = data.dtype == np.int8
        stored = pack(data, aligned) if bits else data.astype(np.float32)
        content = ("offset", b.CreateNumpyVector(np.ascontiguousarray(stored).reshape(-1)))
        shape = ("offset", b.CreateNumpyVector(np.array(data.shape, np.uint32)))
        fields = [("Int8", int(bits)), content if bits else None, None if bits else content, shape]
        return table(b, [*fields, _value(b, name), ("Bool", True) if aligned else None])

    # -- the computation -------------------------------------------------------------------------
    def run(self, image: Array) -> dict[str, Array]:
        """All blobs by name after a run, [H, W, C]."""
        blobs = {self.name: np.array(image, np.float64)}
        for kind, params in self.layers:
            RUN[kind](self, blobs, params)
        return blobs

    def data(self, name: str) -> Array:
        """An initializer."""
        return self.arrays[name][0].astype(np.float64)


def table(b: Any, fields: Sequence[tuple[str, int] | None]) -> tuple[str, int]:
    """Write a table; a field is missing, ("offset", where) or (type, number)."""
    b.StartObject(len(fields))
    for slot, entry in enumerate(fields):
        if entry is not None and entry[0] == "offset":
            b.PrependUOffsetTRelativeSlot(slot, entry[1], 0)
        elif entry is not None:
            getattr(b, f"Prepend{entry[0]}Slot")(slot, entry[1], 0)
    return "offset", b.EndObject()


def vector(b: Any, offsets: Sequence[int]) -> int:
    """Write a list of references."""
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return int(b.EndVector())


def _value(b: Any, value: Any) -> tuple[str, int] | None:
    """A text, a list of texts, a list of integers or an integer as a field."""
    if value is None:
        return None
    if isinstance(value, str):
        return "offset", b.CreateString(value)
    if isinstance(value, int):
        return "Int32", value
    if value and isinstance(value[0], str):
        return "offset", vector(b, [b.CreateString(text) for text in value])
    return "offset", b.CreateNumpyVector(np.array(value, np.int32))


# -- layers --------------------------------------------------------------------------------------
Blobs = dict[str, Array]
Params = dict[str, Any]


def _patches(x: Array, params: Params, kernel: tuple[int, int], fill: float) -> Array:
    """All windows of a blob, [OH, OW, KH, KW, C]."""
    (ph, pw), (sh, sw) = params.get("pads", (0, 0))[:2], params.get("strides", (1, 1))[:2]
    x = np.pad(x, ((ph, ph), (pw, pw), (0, 0)), constant_values=fill)
    oh, ow = (x.shape[0] - kernel[0]) // sh + 1, (x.shape[1] - kernel[1]) // sw + 1
    rows = [
        [x[i * sh : i * sh + kernel[0], j * sw : j * sw + kernel[1]] for j in range(ow)]
        for i in range(oh)
    ]
    return np.array(rows)


def _float_conv(model: LegacyModel, blobs: Blobs, params: Params) -> None:
    w = model.data(params["weight"])
    patches = _patches(blobs[params["input"]], params, w.shape[1:3], 0.0)
    y = np.tensordot(patches, w, ((2, 3, 4), (1, 2, 3)))
    blobs[params["output"]] = y + (model.data(params["bias"]) if params.get("bias") else 0)


def _binary_conv(model: LegacyModel, blobs: Blobs, params: Params) -> None:
    """Unequal bits; bit 1 is x > 0, the border is bit 0."""
    w, _ = model.arrays[params["weight"]]
    patches = _patches(blobs[params["input"]], params, w.shape[1:3], -1.0)
    bits = (patches > 0).reshape(*patches.shape[:2], -1)
    words = np.packbits(bits, -1, bitorder="little")
    weights = np.packbits((w > 0).reshape(len(w), -1), -1, bitorder="little")
    unequal = POPCOUNT[words[:, :, None, :] ^ weights].sum(-1, dtype=np.float64)
    blobs[params["output"]] = unequal


def _pool(function: Callable[..., Any]) -> Callable[[LegacyModel, Blobs, Params], None]:
    def run(_: LegacyModel, blobs: Blobs, params: Params) -> None:
        x, output = blobs[params["input"]], params["output"]
        if params["kernel_shape"] == [-1, -1]:
            params = {"kernel_shape": x.shape[:2]}
        patches = _patches(x, params, tuple(params["kernel_shape"]), np.nan)
        blobs[output] = np.asarray(function(patches, (2, 3)))

    return run


def _in_place(function: Callable[..., Any]) -> Callable[[LegacyModel, Blobs, Params], None]:
    """The first input's memory is overwritten, and known by the output's name too."""

    def run(model: LegacyModel, blobs: Blobs, params: Params) -> None:
        x = blobs[params["input" if "input" in params else "input1"]]
        x[...] = function(model, blobs, params, x)
        blobs[params["output"]] = x

    return run


def _softmax(_: LegacyModel, blobs: Blobs, params: Params) -> None:
    e = np.exp(blobs[params["input"]] - blobs[params["input"]].max())
    blobs[params["output"]] = e / e.sum()


def _fc(model: LegacyModel, blobs: Blobs, params: Params) -> None:
    y = model.data(params["weight"]) @ blobs[params["input"]].reshape(-1)
    blobs[params["output"]] = y + (model.data(params["bias"]) if params.get("bias") else 0)


def _split(_: LegacyModel, blobs: Blobs, params: Params) -> None:
    for name, part in zip(params["outputs"], np.split(blobs[params["input"]], 2, -1), strict=True):
        blobs[name] = part.copy()


def _binarize(_: LegacyModel, blobs: Blobs, params: Params) -> None:
    blobs[params["output"]] = np.where(blobs[params["input"]] > 0, 1.0, -1.0)


def _concat(_: LegacyModel, blobs: Blobs, params: Params) -> None:
    blobs[params["output"]] = np.concatenate([blobs[name] for name in params["inputs"]], -1)


RUN: dict[str, Callable[[LegacyModel, Blobs, Params], None]] = {
    "FpConv2D": _float_conv,
    "BinConv2D": _binary_conv,
    "AvePool": _pool(np.nanmean),
    "MaxPool": _pool(np.nanmax),
    "Relu": _in_place(lambda m, b, p, x: np.maximum(x, 0)),
    "PRelu": _in_place(lambda m, b, p, x: np.where(x < 0, x * m.data(p["slope"]).reshape(-1), x)),
    "Affine": _in_place(lambda m, b, p, x: x * m.data(p["a"]) + m.data(p["b"])),
    "Add": _in_place(lambda m, b, p, x: x + b[p["input2"]]),
    "Shuffle": _in_place(
        lambda m, b, p, x: x.reshape(*x.shape[:2], 2, 2, -1).swapaxes(2, 3).reshape(x.shape)
    ),
    "Concat": _concat,
    "Binarize": _binarize,
    "Split": _split,
    "FC": _fc,
    "Softmax": _softmax,
}


def small(channels: int = 8) -> LegacyModel:
    """A binary convolution and its Affine."""
    model = LegacyModel((1, 4, 4, channels))
    w = model.array("w", np.ones((4, 3, 3, channels), np.int8), aligned=True)
    model.layer(
        "BinConv2D",
        input="image",
        weight=w,
        pads=[1] * 4,
        strides=[1, 1],
        dilations=[1, 1],
        output="conv",
    )
    a, b = (model.array(n, np.ones(4, np.float32)) for n in "ab")
    model.layer("Affine", input="conv", a=a, b=b, output="bn")
    return model

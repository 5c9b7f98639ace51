# SPDX-License-Identifier: BSD-3-Clause
"""BMXNet for tests: a writer of its files, and what it computes, in numpy, straight from the symbol and the packed words.

Nothing of the converter is used here: words stay words, signs meet by XNOR and popcount as in BMXNet itself.
"""

from __future__ import annotations

import ast
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Attrs = dict[str, Any]
POPCOUNT = np.array([bin(i).count("1") for i in range(256)], np.uint8)
CODES = {"f4": 0, "f8": 1, "f2": 2, "u1": 3, "i4": 4, "i1": 5, "i8": 6}


# -- files ---------------------------------------------------------------------------------------
def write_params(arrays: Mapping[str, Array], version: int = 2) -> bytes:
    """A `.params` file in one of the three forms of arrays (0: without magic number)."""
    parts = [struct.pack("<QQQ", 0x112, 0, len(arrays))]
    for array in arrays.values():
        head = {
            0: struct.pack(f"<I{array.ndim}I", array.ndim, *array.shape),
            1: struct.pack(f"<II{array.ndim}q", 0xF993FAC8, array.ndim, *array.shape),
            2: struct.pack(f"<IiI{array.ndim}q", 0xF993FAC9, 0, array.ndim, *array.shape),
        }[version]
        code = CODES[array.dtype.str[1:]]
        parts += [head, struct.pack("<iii", 1, 0, code), np.ascontiguousarray(array).tobytes()]
    parts.append(struct.pack("<Q", len(arrays)))
    for name in arrays:
        parts += [struct.pack("<Q", len(name.encode())), name.encode()]
    return b"".join(parts)


def read_params(data: bytes) -> dict[str, Array]:
    """The arrays of a file whose arrays have no magic number, as BMXNet v1 wrote them."""
    at = 24
    (count,) = struct.unpack_from("<Q", data, 16)
    arrays, names = [], []
    for _ in range(count):
        (axes,) = struct.unpack_from("<I", data, at)
        shape = struct.unpack_from(f"<{axes}I", data, at + 4)
        (code,) = struct.unpack_from("<i", data, at + 12 + 4 * axes)
        dtype = np.dtype(next(name for name, c in CODES.items() if c == code))
        at += 16 + 4 * axes
        arrays.append(np.frombuffer(data, dtype, int(np.prod(shape)), at).reshape(shape))
        at += arrays[-1].nbytes
    at += 8
    for _ in range(count):
        (length,) = struct.unpack_from("<Q", data, at)
        names.append(data[at + 8 : at + 8 + length].decode().split(":")[1])
        at += 8 + length
    return dict(zip(names, arrays, strict=True))


class SymbolWriter:
    """A `-symbol.json` that grows node by node."""

    def __init__(self, attrs_key: str = "attrs") -> None:
        self.nodes: list[Attrs] = []
        self.key = attrs_key

    def variable(self, name: str, **attrs: Any) -> int:
        """An input or a parameter."""
        return self.node("null", name, [], **attrs)

    def node(
        self, op: str, name: str, inputs: Sequence[int | tuple[int, int]], **attrs: Any
    ) -> int:
        """A node; attributes are written as Python texts. An input is a number, or (number, output)."""
        pairs = [[*(i if isinstance(i, tuple) else (i, 0)), 0] for i in inputs]
        texts = {key: str(value) for key, value in attrs.items()}
        self.nodes.append({"op": op, "name": name, self.key: texts, "inputs": pairs})
        return len(self.nodes) - 1

    def json(self, *heads: int) -> bytes:
        """The file; by default the last node is its output."""
        chosen = heads or (len(self.nodes) - 1,)
        return json.dumps({"nodes": self.nodes, "heads": [[h, 0, 0] for h in chosen]}).encode()


def pack_rows(weight: Array, bits: int) -> Array:
    """Words of a convolution's weight, bit 1 for w >= 0, linear through O, C, kh, kw."""
    packed = np.packbits(weight.reshape(-1) >= 0, bitorder="little")
    words: Array = packed.view({32: np.float32, 64: np.float64}[bits])
    return words


def pack_columns(weight: Array, bits: int) -> Array:
    """Words of a fully connected layer's weight [O, K], stored [K / bits][O]."""
    words = pack_rows(weight, bits).reshape(len(weight), -1)
    return np.ascontiguousarray(words.T).reshape(words.shape)


# -- computation ---------------------------------------------------------------------------------
def evaluate(symbol: bytes, params: Mapping[str, Array], data: Array) -> Array:
    """The first output for one image or vector `data` [1, ...]."""
    content = json.loads(symbol)
    values: list[Array | None] = []
    for node in content["nodes"]:
        if node["op"] == "null":
            values.append(params.get(node["name"], data if node["name"] == "data" else None))
            continue
        texts = node.get("param") or node.get("attr") or node.get("attrs") or {}
        attrs = {key: _value(text) for key, text in texts.items()}
        inputs = [values[source] for source, *_ in node["inputs"]]
        values.append(OPERATORS[node["op"]](attrs, *inputs))
    return np.asarray(values[content["heads"][0][0]])


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def columns(x: Array, attrs: Attrs) -> tuple[Array, tuple[int, int]]:
    """im2col: [C * kh * kw, OH * OW], zeros outside; and (OH, OW)."""
    (kh, kw), (sh, sw) = attrs["kernel"], attrs.get("stride", (1, 1))
    (dh, dw), (ph, pw) = attrs.get("dilate", (1, 1)), attrs.get("pad", (0, 0))
    x = np.pad(x[0], ((0, 0), (ph, ph), (pw, pw)))
    oh, ow = (x.shape[1] - dh * (kh - 1) - 1) // sh + 1, (x.shape[2] - dw * (kw - 1) - 1) // sw + 1
    taps = [
        x[:, i * dh : i * dh + sh * oh : sh, j * dw : j * dw + sw * ow : sw][:, :oh, :ow]
        for i in range(kh)
        for j in range(kw)
    ]
    return np.stack(taps, 1).reshape(len(x) * kh * kw, oh * ow), (oh, ow)


def equal_signs(words: Array, columns: Array) -> Array:
    """Words [O, K / bits] against columns [K, N]: the number of equal signs [O, N]."""
    kind = np.uint32 if words.itemsize == 4 else np.uint64
    packed = np.packbits(columns >= 0, axis=0, bitorder="little").T
    signs = np.ascontiguousarray(packed).view(kind)
    rows = [~(row.view(kind) ^ signs) for row in np.ascontiguousarray(words)]
    return np.stack([POPCOUNT[r.view(np.uint8)].sum(1, dtype=np.float64) for r in rows])


def _sign(x: Array) -> Array:
    return np.where(x < 0, -1.0, 1.0)


def _products(weight: Array, columns: Array, attrs: Attrs) -> Array:
    """Float weights [O, K]: what training computes; act_bit and weight_bit say what is binary."""
    act, wgt = attrs["act_bit"] == 1, attrs["weight_bit"] == 1
    dot = (_sign(weight) if wgt else weight) @ (_sign(columns) if act else columns)
    return np.asarray((len(columns) + dot) / 2 if act and wgt else dot)


def convolution(attrs: Attrs, x: Array, weight: Array, bias: Array | None = None) -> Array:
    """Any convolution; the attributes say which."""
    cols, size = columns(x.astype(np.float64), attrs)
    filters, groups = attrs["num_filter"], attrs.get("num_group", 1)
    if attrs.get("binarized_weights_only"):
        y = equal_signs(weight.reshape(filters, -1), cols)
    else:
        parts = zip(
            np.split(weight.reshape(filters, -1).astype(np.float64), groups),
            np.split(cols, groups),
            strict=True,
        )
        y = np.concatenate([_products(w, c, attrs) for w, c in parts])
    if bias is not None:
        y = y + bias[:, None]
    if attrs.get("scaling_mode") == "forward":
        y = y * np.mean(np.abs(weight))
    return np.asarray(y.reshape(1, filters, *size))


def fully_connected(attrs: Attrs, x: Array, weight: Array, bias: Array | None = None) -> Array:
    """Any fully connected layer."""
    column, outputs = x.astype(np.float64).reshape(-1, 1), attrs["num_hidden"]
    if attrs.get("binarized_weights_only"):
        y = equal_signs(weight.reshape(-1, outputs).T, column)
    else:
        y = _products(weight.astype(np.float64), column, attrs)
    return np.asarray(y.T + (0 if bias is None else bias))


def batch_norm(
    attrs: Attrs, x: Array, gamma: Array, beta: Array, mean: Array, variance: Array
) -> Array:
    """With moving statistics; gamma is 1 unless told otherwise."""
    shape = (-1, *(1,) * (x.ndim - 2))
    gamma = np.ones_like(gamma) if attrs.get("fix_gamma", True) else gamma
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + attrs.get("eps", 1e-3))
    return np.asarray((x - mean.reshape(shape)) * scale.reshape(shape) + beta.reshape(shape))


def pooling(attrs: Attrs, x: Array) -> Array:
    """max and avg, over windows or the whole image."""
    reduce: Callable[..., Any] = np.max if attrs["pool_type"] == "max" else np.mean
    if attrs.get("global_pool"):
        return np.asarray(reduce(x, (2, 3), keepdims=True))
    (kh, kw), (sh, sw), (ph, pw) = (attrs["kernel"], attrs["stride"], attrs.get("pad", (0, 0)))
    full = attrs.get("pooling_convention") == "full"
    size = [
        1 + (-(-(n + 2 * p - k) // s) if full else (n + 2 * p - k) // s)
        for n, p, k, s in zip(x.shape[2:], (ph, pw), (kh, kw), (sh, sw), strict=True)
    ]
    y = np.empty((*x.shape[:2], *size))
    fill = -np.inf if attrs["pool_type"] == "max" else 0.0
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=fill)
    valid = np.pad(np.ones(x.shape[2:]), ((ph, ph), (pw, pw)))
    for i, j in np.ndindex(*size):
        rows, cols = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
        part = padded[:, :, rows, cols]
        if attrs["pool_type"] == "avg" and not attrs.get("count_include_pad", True):
            y[:, :, i, j] = part.sum((2, 3)) / valid[rows, cols].sum()
        else:
            y[:, :, i, j] = reduce(part, (2, 3))
    return y


def softmax(x: Array) -> Array:
    """Over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


FLOAT: Attrs = {"act_bit": 32, "weight_bit": 32}
ONE_BIT: Attrs = {"act_bit": 1, "weight_bit": 1}
PACKED: Attrs = {"binarized_weights_only": True}
OPERATORS: dict[str, Callable[..., Array]] = {
    "Convolution": lambda a, *v: convolution(FLOAT | a, *v),
    "QConvolution": lambda a, *v: convolution(ONE_BIT | a, *v),
    "QConvolution_v1": lambda a, *v: convolution(ONE_BIT | a, *v),
    "BinaryInferenceConvolution": lambda a, *v: convolution(PACKED | a, *v),
    "FullyConnected": lambda a, *v: fully_connected(FLOAT | a, *v),
    "QFullyConnected": lambda a, *v: fully_connected(ONE_BIT | a, *v),
    "BinaryInferenceFullyConnected": lambda a, *v: fully_connected(PACKED | a, *v),
    "BatchNorm": batch_norm,
    "QActivation": lambda a, x: x if a.get("backward_only") else _sign(x),
    "Activation": lambda a, x: np.tanh(x) if a["act_type"] == "tanh" else np.maximum(x, 0),
    "Pooling": pooling,
    "Flatten": lambda _, x: x.reshape(1, -1),
    "elemwise_add": lambda _, x, y: x + y,
    "SoftmaxOutput": lambda _, x, *__: softmax(x),
    "det_sign": lambda _, x: _sign(x),
    "_contrib_gradcancel": lambda _, x: x,
    "_plus_scalar": lambda a, x: x + a["scalar"],
    "_div_scalar": lambda a, x: x / a["scalar"],
    "Pad": lambda a, x: np.pad(
        x,
        np.reshape(a["pad_width"], (-1, 2)).tolist(),
        constant_values=a["constant_value"],
    ),
}


def network(**attrs: Any) -> tuple[bytes, dict[str, Array]]:
    """A packed layer, a normalisation, a float layer."""
    symbol = SymbolWriter("attr")
    inputs = [symbol.variable("data"), symbol.variable("conv_weight")]
    given = {"num_filter": 4, "kernel": (3, 3), "binarized_weights_only": True, **attrs}
    x = symbol.node("QConvolution", "conv", inputs, **given)
    names = ("gamma", "beta", "mean", "var")
    x = symbol.node("BatchNorm", "bn", [x, *map(symbol.variable, names)])
    x = symbol.node("FullyConnected", "fc", [x, *map(symbol.variable, ("w", "b"))], num_hidden=3)
    symbol.node("SoftmaxOutput", "softmax", [x, symbol.variable("softmax_label")])
    rng = np.random.default_rng(0)
    params = {"conv_weight": pack_rows(rng.standard_normal((4, 64, 3, 3)), 32)}
    params |= {name: np.ones(4, np.float32) for name in names}
    params |= {"w": np.ones((3, 64), np.float32), "b": np.zeros(3, np.float32)}
    return symbol.json(), params

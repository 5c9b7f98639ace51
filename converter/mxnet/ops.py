# SPDX-License-Identifier: BSD-3-Clause
"""Everything but the layers: activations, normalisation, pooling, arithmetic, shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from converter.mxnet.context import Context, translates
from converter.mxnet.layers import window
from converter.mxnet.symbol import flag, integer, numbers

# MXNet's name: the ONNX operator of the same meaning.
PLAIN = {
    "elemwise_add": "Add",
    "_plus": "Add",
    "_Plus": "Add",
    "_add": "Add",
    "broadcast_add": "Add",
    "broadcast_plus": "Add",
    "add_n": "Sum",
    "ElementWiseSum": "Sum",
    "elemwise_sub": "Sub",
    "_minus": "Sub",
    "_sub": "Sub",
    "broadcast_sub": "Sub",
    "broadcast_minus": "Sub",
    "elemwise_mul": "Mul",
    "_mul": "Mul",
    "broadcast_mul": "Mul",
    "elemwise_div": "Div",
    "_div": "Div",
    "broadcast_div": "Div",
    "abs": "Abs",
    "negative": "Neg",
    "broadcast_maximum": "Max",
    "broadcast_minimum": "Min",
    "_maximum": "Max",
    "_minimum": "Min",
    "sqrt": "Sqrt",
    "exp": "Exp",
    "log": "Log",
    "floor": "Floor",
    "ceil": "Ceil",
    "erf": "Erf",
    "reciprocal": "Reciprocal",
    "softsign": "Softsign",
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
}
SAME = (
    "_copy",
    "identity",
    "BlockGrad",
    "stop_gradient",
    "_contrib_gradcancel",
    "gradcancel",
    "make_loss",
    "MakeLoss",
    "LinearRegressionOutput",
)
# MXNet's name: (ONNX operator, whether the number is the left operand).
SCALAR = {
    "_plus_scalar": ("Add", False),
    "_PlusScalar": ("Add", False),
    "_minus_scalar": ("Sub", False),
    "_MinusScalar": ("Sub", False),
    "_rminus_scalar": ("Sub", True),
    "_RMinusScalar": ("Sub", True),
    "_mul_scalar": ("Mul", False),
    "_MulScalar": ("Mul", False),
    "_div_scalar": ("Div", False),
    "_DivScalar": ("Div", False),
}
ACTIVATIONS = {
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "softrelu": "Softplus",
    "softsign": "Softsign",
}


@translates(*PLAIN)
def plain(ctx: Context) -> str:
    """One node each."""
    return ctx.main(PLAIN[ctx.node.op], *(ctx.x(i) for i in range(max(ctx.count, 1))))


@translates(*SAME, reads=1)
def same(ctx: Context) -> str:
    """Nothing at inference."""
    return ctx.x()


@translates("Dropout")
def dropout(ctx: Context) -> str:
    """Nothing at inference, unless it is asked for."""
    ctx.node.refuse("mode", "training")
    return ctx.x()


@translates("Cast", "cast", "amp_cast")
def cast(ctx: Context) -> str:
    """All activations are float32 here."""
    ctx.node.choice("dtype", "float32", "float16", "float32", "float64")
    return ctx.x()


@translates(*SCALAR)
def scalar(ctx: Context) -> str:
    """Arithmetic with a number."""
    op, left = SCALAR[ctx.node.op]
    pair = [ctx.x(), ctx.constant(ctx.node.attr("scalar", float), "scalar")]
    return ctx.main(op, *(reversed(pair) if left else pair))


@translates("det_sign")
def det_sign(ctx: Context) -> str:
    """BMXNet v2's sign, in which 0 is +1."""
    return ctx.sign(ctx.x())


@translates("sign")
def sign(ctx: Context) -> str:
    """MXNet's sign, in which 0 is 0."""
    return ctx.main("Sign", ctx.x())


@translates("QActivation")
def q_activation(ctx: Context) -> str:
    """BMXNet v1: a sign, or nothing where the next layer takes the sign itself."""
    if ctx.node.attr("backward_only", flag, False):
        return ctx.x()
    count = ctx.node.attr("act_bit", integer, 1)
    if count != 1:
        raise ctx.error(f"act_bit = {count}: only activations of 1 bit are supported")
    return ctx.sign(ctx.x())


@translates("Activation")
def activation(ctx: Context) -> str:
    """relu and smooth ones."""
    return ctx.main(ACTIVATIONS[ctx.node.choice("act_type", "relu", *ACTIVATIONS)], ctx.x())


@translates("LeakyReLU")
def leaky_relu(ctx: Context) -> str:
    """leaky and elu with a slope, prelu with one per channel, rrelu with the mean of its limits; selu."""
    kind = ctx.node.choice("act_type", "leaky", "leaky", "prelu", "elu", "rrelu", "selu")
    if kind == "selu":
        return ctx.main("Selu", ctx.x())
    slope = ctx.node.attr("slope", float, 0.25)
    if kind == "prelu":
        return ctx.main("PRelu", ctx.x(), ctx.channels(ctx.array(1, "gamma"), "slope"))
    if kind == "rrelu":
        low, high = (
            ctx.node.attr("lower_bound", float, 0.125),
            ctx.node.attr("upper_bound", float, 0.334),
        )
        slope = (low + high) / 2
    return ctx.main("Elu" if kind == "elu" else "LeakyRelu", ctx.x(), alpha=slope)


@translates("clip")
def clip(ctx: Context) -> str:
    """Limits."""
    limits = [ctx.constant(ctx.node.attr(name, float), name) for name in ("a_min", "a_max")]
    return ctx.main("Clip", ctx.x(), *limits)


@translates("BatchNorm", "BatchNorm_v1", "CuDNNBatchNorm")
def batch_norm(ctx: Context) -> str:
    """With the moving mean and variance, as always at inference; gamma is 1 where it is fixed."""
    shape = ctx.shape()
    axis = ctx.axis(ctx.node.attr("axis", integer, 1), len(shape))
    if axis != 1:
        raise ctx.error(f"axis = {axis} is not supported; channels must be axis 1")
    names = ("gamma", "beta", "moving mean", "moving variance")
    parts = [ctx.array(i + 1, name) for i, name in enumerate(names)]
    for index, part in enumerate(parts):
        if part.shape != (shape[1],):
            name = ctx.variable(index + 1, names[index])
            raise ctx.error(
                f"'{name}' has shape {list(part.shape)}; its input has {shape[1]} channels"
            )
    gamma, beta, mean, variance = (part.astype(np.float64) for part in parts)
    if ctx.node.attr("fix_gamma", flag, True):
        gamma = np.ones_like(gamma)
    spread = variance + ctx.node.attr("eps", float, 1e-3)
    if np.any(spread <= 0):
        raise ctx.error("variance + eps is not positive in some channel")
    # The mean is taken off first: in a channel that training found constant, x - mean is exactly 0, and beta decides.
    y = ctx.emit("Sub", ctx.x(), ctx.channels(mean, "mean"))
    y = ctx.emit("Mul", y, ctx.channels(gamma / np.sqrt(spread), "scale"))
    return ctx.main("Add", y, ctx.channels(beta, "shift"))


@translates("Pooling", "Pooling_v1")
def pooling(ctx: Context) -> str:
    """max and avg; the average counts the padding unless told otherwise."""
    kind = ctx.node.choice("pool_type", "max", "max", "avg")
    if ctx.node.attr("global_pool", flag, False):
        return ctx.main({"max": "GlobalMaxPool", "avg": "GlobalAveragePool"}[kind], ctx.x())
    geometry = window(ctx)
    full = ctx.node.choice("pooling_convention", "valid", "valid", "full") == "full"
    for axis in (0, 1):
        room = ctx.shape()[2 + axis] + 2 * geometry.pad[axis] - geometry.kernel[axis]
        last = -(-room // geometry.strides[axis]) * geometry.strides[axis]
        if full and last >= ctx.shape()[2 + axis] + geometry.pad[axis]:
            raise ctx.error("its last window lies outside its input; use pooling_convention valid")
    attrs: dict[str, Any] = {
        "kernel_shape": geometry.kernel,
        "strides": geometry.strides,
        "pads": geometry.pads,
        "ceil_mode": int(full),
    }
    if kind == "max":
        return ctx.main("MaxPool", ctx.x(), **attrs)
    count = int(ctx.node.attr("count_include_pad", flag, True))
    return ctx.main("AveragePool", ctx.x(), count_include_pad=count, **attrs)


@translates("SoftmaxOutput", "Softmax", reads=1)
def softmax_output(ctx: Context) -> str:
    """Over the classes; the label is for training only."""
    axis = 1
    if len(ctx.shape()) > 2 and not ctx.node.attr("multi_output", flag, False):
        if not ctx.node.attr("preserve_shape", flag, False):
            raise ctx.error(f"its input {list(ctx.shape())} must have two axes; use Flatten first")
        axis = -1
    return ctx.main("Softmax", ctx.x(), axis=axis)


@translates("softmax", "SoftmaxActivation", reads=1)
def softmax(ctx: Context) -> str:
    """Over one axis."""
    ctx.node.refuse("temperature", 1.0, kind=float)
    if ctx.node.op == "softmax":
        return ctx.main("Softmax", ctx.x(), axis=ctx.node.attr("axis", integer, -1))
    instance = ctx.node.choice("mode", "instance", "instance", "channel") == "instance"
    if instance and len(ctx.shape()) > 2:
        raise ctx.error(f"its input {list(ctx.shape())} must have two axes; use Flatten first")
    return ctx.main("Softmax", ctx.x(), axis=1)


@translates("LogisticRegressionOutput", reads=1)
def logistic_output(ctx: Context) -> str:
    """A sigmoid; the label is for training only."""
    return ctx.main("Sigmoid", ctx.x())


@translates("Flatten", "flatten")
def flatten(ctx: Context) -> str:
    """All axes but the batch become one, in the order C, H, W."""
    return ctx.main("Flatten", ctx.x(), axis=1)


@translates("Concat", "concat")
def concat(ctx: Context) -> str:
    """Along `dim`."""
    axis = ctx.axis(ctx.node.attr("dim", integer, 1), len(ctx.shape()))
    return ctx.main("Concat", *(ctx.x(i) for i in range(ctx.count)), axis=axis)


@translates("Pad", "pad")
def pad(ctx: Context) -> str:
    """With a constant; MXNet gives the widths axis by axis."""
    ctx.node.choice("mode", "constant", "constant")
    widths = ctx.node.attr("pad_width", numbers)
    if len(widths) != 2 * len(ctx.shape()) or min(widths) < 0:
        raise ctx.error(f"pad_width {list(widths)} must be two numbers for each of its axes")
    value = ctx.constant(ctx.node.attr("constant_value", float, 0.0), "value")
    return ctx.main("Pad", ctx.x(), ctx.integers(widths[::2] + widths[1::2], "pads"), value)


@translates("Reshape", "reshape")
def reshape(ctx: Context) -> str:
    """0 keeps a size, -1 takes what is left, -2 keeps all others, -3 joins two."""
    ctx.node.refuse("reverse", False, kind=flag)
    left, target = list(ctx.shape()), list[int]()
    for code in ctx.node.attr("shape", numbers):
        if code < -3 or (code in (0, -3) and len(left) < (1 if code == 0 else 2)):
            raise ctx.error(f"shape code {code} is not supported for {list(ctx.shape())}")
        taken = {0: 1, -2: len(left), -3: 2}.get(code, min(1, len(left)))
        sizes, left = left[:taken], left[taken:]
        target += {0: sizes, -2: sizes, -3: [math.prod(sizes)]}.get(code, [code])
    return ctx.main("Reshape", ctx.x(), ctx.integers(target, "shape"))


@translates("transpose")
def transpose(ctx: Context) -> str:
    """Without axes it reverses them."""
    axes = ctx.node.attr("axes", numbers, ()) or range(len(ctx.shape()))[::-1]
    return ctx.main("Transpose", ctx.x(), perm=list(axes))


@translates("expand_dims")
def expand_dims(ctx: Context) -> str:
    """A new axis of size 1."""
    axis = ctx.axis(ctx.node.attr("axis", integer), len(ctx.shape()) + 1)
    return ctx.main("Unsqueeze", ctx.x(), ctx.integers([axis], "axes"))


@translates("mean")
def mean(ctx: Context) -> str:
    """Over some axes, or over all but some."""
    rank = len(ctx.shape())
    axes = [ctx.axis(a, rank) for a in ctx.node.attr("axis", numbers, ()) or range(rank)]
    if ctx.node.attr("exclude", flag, False):
        axes = [a for a in range(rank) if a not in axes]
    keep = int(ctx.node.attr("keepdims", flag, False))
    return ctx.main("ReduceMean", ctx.x(), axes=axes, keepdims=keep)


@translates("SliceChannel", "split")
def split(ctx: Context) -> list[str]:
    """Equal parts along an axis."""
    count = ctx.node.attr("num_outputs", integer)
    axis = ctx.axis(ctx.node.attr("axis", integer, 1), len(ctx.shape()))
    ctx.node.refuse("squeeze_axis", False, kind=flag)
    if not 1 <= count <= ctx.shape()[axis] or ctx.shape()[axis] % count:
        raise ctx.error(f"axis {axis} of {list(ctx.shape())} has no {count} equal parts")
    outputs = [f"{ctx.node.name}/{i}" for i in range(count)]
    ctx.main("Split", ctx.x(), outputs=outputs, axis=axis)
    return outputs


@translates("slice_axis")
def slice_axis(ctx: Context) -> str:
    """From begin to end along an axis."""
    axis = ctx.axis(ctx.node.attr("axis", integer), len(ctx.shape()))
    begin = ctx.node.attr("begin", integer)
    end = ctx.node.attr("end", integer, ctx.shape()[axis])
    parts = [ctx.integers([v], n) for v, n in ((begin, "begin"), (end, "end"), (axis, "axis"))]
    return ctx.main("Slice", ctx.x(), *parts)

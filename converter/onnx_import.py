# SPDX-License-Identifier: BSD-3-Clause
"""ONNX file -> Graph: one walk that folds what depends on constants only and imports the rest.

All shapes are known at each step, because the batch is 1 and no other dimension may be symbolic;
so the shape arithmetic of exporters (Shape, Gather, Concat, Reshape...) folds like any constant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx

from converter import int8
from converter.errors import ConversionError
from converter.fold import evaluate, first_line
from converter.graph import Array, Graph
from converter.masked import nodes_of
from converter.onnx_build import NOTE
from converter.onnx_file import inline, numpy_type, opset_version, read_model, read_tensor
from converter.ops import IMPORTERS, NodeContext
from converter.ops.registry import FLOATS, MICROSOFT, ONNX, PRIVATE, check_size

_OUTSIDE = "end the network before it and compute it outside"
_UNROLL = "export without loops (a fixed number of steps is unrolled by tracing)"
_OPTIMISED = "convert the model as it was before onnxruntime optimised it"
_RECURRENT = (
    "recurrent networks are not supported; export one step, whose state is an input and an output"
)
_NORM = "use BatchNormalization, or LayerNormalization; or write it as ReduceMean, Sub, Mul, Sqrt and Div"

#: What to do without operators that networks have and that are not supported.
INSTEAD = {
    "ArgMax": "end the network before it and compare the scores outside",
    "ArgMin": "end the network before it and compare the scores outside",
    "TopK": "end the network before it and compare the scores outside",
    "Hardmax": "end the network before it and compare the scores outside",
    **dict.fromkeys(("NonMaxSuppression", "NonZero", "Unique", "RoiAlign", "MaxRoiPool"), _OUTSIDE),
    **dict.fromkeys(("RandomNormal", "RandomUniform", "Multinomial", "Bernoulli"), _OUTSIDE),
    **dict.fromkeys(("Loop", "Scan"), _UNROLL),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _RECURRENT),
    **dict.fromkeys(("MeanVarianceNormalization", "LpNormalization"), _NORM),
    "Attention": "products of two activations are not supported",
    "Einsum": "write it as MatMul with a constant weight, Transpose and Reshape; products of two activations are not supported",
    "ThresholdedRelu": "use Relu, or PRelu",
    "Shrink": "use Relu, or PRelu",
    "ReduceProd": "multiply the slices (Split, Mul)",
    "CumSum": "use MatMul with a constant triangular matrix",
    "Mod": "integers are not supported at run time",
    "GridSample": "use Resize, whose coordinates are constants",
    "AffineGrid": "use Resize, whose coordinates are constants",
    "MaxUnpool": "use Resize (nearest), or ConvTranspose",
    "GatherElements": "use Gather or Slice with constant indices",
    "GatherND": "use Gather or Slice with constant indices",
    "ScatterND": "use Concat of slices",
    "ScatterElements": "use Concat of slices",
    "LpPool": "use AveragePool of Mul(x, x), then Sqrt",
    "GlobalLpPool": "use ReduceL2",
    "Trunc": "it shortens integers of several bits; take it out, or train with 1 bit (BipolarQuant)",
    "FloatQuant": "fold it into the weights, or train with 1 bit (BipolarQuant)",
}

#: The same of onnxruntime's own operators.
INSTEAD_OF_MICROSOFT = {
    **dict.fromkeys(("DynamicQuantizeMatMul", "MatMulIntegerToFloat", "NhwcMaxPool"), _OPTIMISED),
    **dict.fromkeys(
        ("QLinearReduceMean", "QLinearWhere"), "leave this node out of the quantisation"
    ),
}

#: Operators that tell signs apart: a weight computed through one of them is binary by its author's intention.
SIGN_LIKE = frozenset(
    (
        "Sign",
        "Greater",
        "GreaterOrEqual",
        "Less",
        "LessOrEqual",
        "BipolarQuant",
        "Quant",
        "IntQuant",
    )
)


def load(path: str | Path) -> Graph:
    """Read an ONNX file. Raises ConversionError, which names the file and what is wrong in it."""
    path = Path(path)
    try:
        return from_model(read_model(path), path.parent)
    except ConversionError as error:
        raise ConversionError(f"{path}: {error}") from error


def from_model(model: onnx.ModelProto, folder: Path = Path()) -> Graph:
    """Import a model in memory; `folder` has its external data."""
    graph = _Import(inline(model), folder).graph
    graph.notes = [item.value for item in model.metadata_props if item.key == NOTE]
    return graph


class _Import:
    """The state of one import: the graph so far, and the IR value of each ONNX name."""

    def __init__(self, model: onnx.ModelProto, folder: Path) -> None:
        self.graph = Graph(model.graph.name)
        self.names: dict[str, str] = {"": ""}
        self.left = Counter(item.name for item in model.graph.output)  # reads still to come
        self.kept: set[str] = set()  # IR names of what nodes of the graph read
        self.signed: set[str] = set()  # ONNX names of what was computed through a sign
        self.folder = folder
        self.opset = opset_version(model)
        self._add_initializers(model.graph)
        for item in model.graph.input:
            if item.name not in self.names or item.name in self.graph.inputs:
                self._add_input(item)
        if not self.graph.inputs:
            raise ConversionError("the graph has no inputs")
        self._check_duplicates(model.graph)
        self._walk(nodes_of(model.graph))
        outputs = [item.name for item in model.graph.output]
        for name in outputs:
            self._add_output(name, outputs)
        self.graph.prune()

    def _check_duplicates(self, graph: onnx.GraphProto) -> None:
        """Each name is given by one initializer, input or node."""
        seen = {name for name in self.names if name}
        for node in graph.node:
            for name in filter(None, node.output):
                if name in seen:
                    raise ConversionError(
                        f"node '{label(node)}': its output name '{name}' is given twice; "
                        "names must be unique"
                    )
                seen.add(name)

    # -- inputs, weights, outputs ----------------------------------------------------------------
    def _add_initializers(self, graph: onnx.GraphProto) -> None:
        if graph.sparse_initializer:
            name = graph.sparse_initializer[0].values.name
            raise ConversionError(f"initializer '{name}' is sparse; store it as a dense tensor")
        for tensor in graph.initializer:
            if tensor.name in self.names:
                raise ConversionError(f"initializer '{tensor.name}' is given twice")
            array = read_tensor(tensor, self.folder, f"initializer '{tensor.name}'")
            self._add_const(tensor.name, array)

    def _claim(self, name: str) -> None:
        """Names of the source model must not meet those that the importer made up."""
        if name in self.graph.values:
            raise ConversionError(f"the name '{name}' stands for two tensors; rename one of them")

    def _add_const(self, name: str, array: Array) -> None:
        self._claim(name)
        self.graph.add_value(name, array.shape, array.dtype).const = array
        self.names[name] = name

    def _add_input(self, item: onnx.ValueInfoProto) -> None:
        what = f"input '{item.name}'"
        if item.name in self.graph.inputs:
            raise ConversionError(f"{what} is given twice")
        if item.type.WhichOneof("value") != "tensor_type":
            raise ConversionError(f"{what} is not a tensor")
        tensor = item.type.tensor_type
        kind = numpy_type(tensor.elem_type, what)
        if kind.name not in FLOATS:
            raise ConversionError(
                f"{what} has type {kind.name}; inputs must be float (cast outside the network)"
            )
        shape = []
        for axis, d in enumerate(tensor.shape.dim):
            if axis == 0 and d.dim_value <= 1:
                shape.append(1)
            elif axis == 0 and len(tensor.shape.dim) > 1:
                raise ConversionError(
                    f"{what} has batch size {d.dim_value}; export with batch size 1 or "
                    "a symbolic batch"
                )
            elif d.dim_value < 1:
                raise ConversionError(
                    f"{what} has the symbolic size '{d.dim_param or '?'}' on axis {axis}; only "
                    "the batch (axis 0) may be symbolic: export with a fixed size"
                )
            else:
                shape.append(d.dim_value)
        if not shape:
            raise ConversionError(f"{what} has no shape; export with fixed sizes")
        check_size(tuple(shape), np.dtype(np.float32), what)
        self.graph.add_value(item.name, shape)
        self.graph.inputs.append(item.name)
        self.names[item.name] = item.name

    def _add_output(self, name: str, outputs: list[str]) -> None:
        """Outputs keep their names, also where they are other names of something else."""
        source = self.names.get(name)
        if not source:
            raise ConversionError(f"output '{name}' is written by no node")
        value = self.graph.values[source]
        if value.const is not None:
            raise ConversionError(f"output '{name}' does not depend on the model's inputs")
        if name in self.graph.outputs:
            raise ConversionError(f"output '{name}' is given twice")
        if source != name:
            if source in (*self.graph.inputs, *outputs):
                context = NodeContext(
                    self.graph, onnx.NodeProto(output=[name]), self.opset, [], name
                )
                source = context.emit("reshape", source, shape=value.shape)
            self._rename(source, name)
            others = [other for other, known in self.names.items() if known == source]
            self.names.update(dict.fromkeys(others, name))
        self._refuse_numbers(name)
        self.graph.outputs.append(name)

    def _refuse_numbers(self, name: str) -> None:
        """Quantised numbers are of no use without their scale."""
        producer = self.graph.producer(name)
        if producer is not None and producer.op == "to_int8":
            raise ConversionError(
                f"output '{name}' is quantised; outputs are floats: put a DequantizeLinear behind it"
            )

    # -- nodes -----------------------------------------------------------------------------------
    def _walk(self, nodes: Iterable[onnx.NodeProto]) -> None:
        """Import nodes as soon as their inputs are there (files need not be sorted)."""
        waiting = list(nodes)
        self.left.update(name for node in waiting for name in _reads(node))
        while waiting:
            rest = []
            for node in waiting:
                if all(name in self.names for name in _reads(node)):
                    self._checked(node)
                    self._forget(_reads(node))
                else:
                    rest.append(node)
            if len(rest) == len(waiting):
                raise self._stuck(rest)
            waiting = rest

    def _forget(self, names: Iterable[str]) -> None:
        """Drop constants that have been folded into others: large weights pass through many nodes."""
        for name in names:
            self.left[name] -= 1
            source = self.names[name]
            value = self.graph.values.get(source)
            if value is None or value.const is None or source in self.kept:
                continue
            if not self.left[name]:
                del self.graph.values[source]

    def _stuck(self, nodes: list[onnx.NodeProto]) -> ConversionError:
        written = {name for node in nodes for name in node.output}
        for node in nodes:
            for name in _reads(node):
                if name not in self.names and name not in written:
                    return ConversionError(
                        f"node '{label(node)}' ({node.op_type}) reads '{name}', which no node "
                        "writes and no initializer holds; the file was exported without weights"
                    )
        return ConversionError(f"the graph has a cycle through node '{label(nodes[0])}'")

    def _checked(self, node: onnx.NodeProto) -> None:
        """Import a node that may lack inputs or have odd attributes."""
        try:
            self._node(node)
        except (ValueError, TypeError, LookupError, RuntimeError) as error:
            raise ConversionError(
                f"node '{label(node)}' ({node.op_type}): it is not what ONNX allows: "
                f"{first_line(error)}"
            ) from error

    def _count_operands(self, node: onnx.NodeProto) -> None:
        """Raise ValueError where a node has more or fewer inputs or outputs than its operator."""
        domain = "" if node.domain in ONNX else node.domain
        if not onnx.defs.has(node.op_type, max_inclusive_version=self.opset, domain=domain):
            return
        schema = onnx.defs.get_schema(node.op_type, self.opset, domain)
        for what, names, least, most in (
            ("inputs", node.input, schema.min_input, schema.max_input),
            ("outputs", node.output, schema.min_output, schema.max_output),
        ):
            if not least <= len(names) <= most:
                raise ValueError(f"{len(names)} {what} instead of {least} to {most}")

    def _node(self, node: onnx.NodeProto) -> None:
        inputs = [self.names[name] for name in node.input]
        node = _as_onnx(node)
        self._count_operands(node)
        if node.op_type in SIGN_LIKE or self.signed.intersection(node.input):
            self.signed.update(node.output)
        if node.domain in ONNX:
            if node.op_type == "Constant":
                return self._constant(node)
            if node.op_type == "If":
                return self._if(node, inputs[0])
            constants = {
                n: self.graph.const(i) for n, i in zip(node.input, inputs, strict=True) if n
            }
            if all(data is not None for data in constants.values()):
                return self._fold(node, {n: d for n, d in constants.items() if d is not None})
        function = IMPORTERS.get(("" if node.domain in ONNX else node.domain, node.op_type))
        if function is None:
            raise self._unsupported(node)
        context = NodeContext(self.graph, node, self.opset, inputs, label(node))
        first = len(self.graph.nodes)
        results = function(context)
        for made in self.graph.nodes[first:]:
            if made.op in ("conv", "dense"):
                made.attrs["weight_source"] = "sign" if node.input[1] in self.signed else "other"
            self.kept.update(made.inputs)
        new = {name for made in self.graph.nodes[first:] for name in made.outputs}
        results = (results,) if isinstance(results, str) else results
        self.kept.update(results)
        for name, result in zip(node.output, results, strict=False):
            self.names[name] = result
            if result in new:
                self._rename(result, name)
                new.remove(result)
        return None

    def _unsupported(self, node: onnx.NodeProto) -> ConversionError:
        full = f"{node.domain}:{node.op_type}" if node.domain not in ONNX else node.op_type
        if node.domain in ONNX and not onnx.defs.has(str(node.op_type)):
            advice = "ONNX has no such operator"
        else:
            known = ", ".join(sorted({op for domain, op in IMPORTERS if domain != PRIVATE}))
            table = INSTEAD_OF_MICROSOFT if node.domain == MICROSOFT else INSTEAD
            advice = table.get(node.op_type, f"rewrite the network with these: {known}")
        return ConversionError(
            f"node '{label(node)}': operator {full} (opset {self.opset}) is not supported; {advice}"
        )

    def _rename(self, old: str, new: str) -> None:
        """Give an activation another name, which `names` learns for it only. Its readers stand behind its writer."""
        self._claim(new)
        value = self.graph.values.pop(old)
        value.name = new
        self.graph.values[new] = value
        self.names[new] = new
        for node in reversed(self.graph.nodes):
            node.inputs = [new if name == old else name for name in node.inputs]
            if old in node.outputs:
                node.outputs = [new if name == old else name for name in node.outputs]
                break

    def _constant(self, node: onnx.NodeProto) -> None:
        """Each of the attributes that a Constant may have its value in."""
        what = f"constant '{node.output[0]}'"
        attribute = next(iter(node.attribute), onnx.AttributeProto(name="attribute (none)"))
        if attribute.name == "value":
            array = read_tensor(attribute.t, self.folder, what)
        elif attribute.name in ("value_float", "value_floats", "value_int", "value_ints"):
            dtype = np.float32 if "float" in attribute.name else np.int64
            array = np.array(onnx.helper.get_attribute_value(attribute), dtype)
        else:
            raise ConversionError(
                f"{what} has an unsupported {attribute.name}; store a dense tensor"
            )
        self._add_const(node.output[0], array)

    def _if(self, node: onnx.NodeProto, condition: str) -> None:
        """The branch that a constant condition takes is read in place."""
        data = self.graph.const(condition)
        if data is None:
            raise ConversionError(
                f"node '{label(node)}' (If): its condition depends on the model's input; "
                "export by tracing"
            )
        taken = "then_branch" if bool(np.all(data)) else "else_branch"
        branch = {attribute.name: attribute.g for attribute in node.attribute}[taken]
        self._add_initializers(branch)
        self.left.update(result.name for result in branch.output)
        self._walk(branch.node)
        for name, result in zip(node.output, branch.output, strict=True):
            self.names[name] = self.names[result.name]

    def _fold(self, node: onnx.NodeProto, inputs: dict[str, Array]) -> None:
        results = evaluate(node, inputs, self.opset, label(node))
        for name, result in zip((n for n in node.output if n), results, strict=False):
            self._add_const(name, result)
        if node.op_type == "DequantizeLinear":
            axis = {a.name: a.i for a in node.attribute}.get("axis", 1)
            data, scale, *zero = inputs.values()
            grid = int8.grid(data, scale, zero[0] if zero else np.zeros(1, np.int32), axis)
            self.graph.values[node.output[0]].grid = grid


def _as_onnx(node: onnx.NodeProto) -> onnx.NodeProto:
    """onnxruntime's own QuantizeLinear and DequantizeLinear are ONNX's, with more types."""
    if node.domain != MICROSOFT or node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
        return node
    result = onnx.NodeProto()
    result.CopyFrom(node)
    result.domain = ""
    return result


def label(node: onnx.NodeProto) -> str:
    """How messages call a node: by its name, or by what it writes."""
    return str(node.name or next(iter(node.output), node.op_type))


def _reads(node: onnx.NodeProto) -> set[str]:
    """All names that a node needs, those that its branches take from outside included."""
    names = set(node.input)
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            inner = attribute.g
            given = {t.name for t in inner.initializer} | {n for i in inner.node for n in i.output}
            outer = {n for i in inner.node for n in _reads(i)} | {o.name for o in inner.output}
            names |= outer - given
    return names

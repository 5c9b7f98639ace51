# SPDX-License-Identifier: BSD-3-Clause
"""A network of published size converts in bounded memory and time, and in time that grows with its length."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from converter import passes
from converter.graph import Graph
from converter.passes import cse
from ir_builder import Net
from onnx_builder import Array, model, node

ROOT = Path(__file__).resolve().parents[2]
MEGABYTES = 400  # of resident memory, interpreter and packages included
SECONDS = 300  # an ordinary core needs 2; the goal is 10, but on no busy machine

# Prints the peak of resident memory in MB behind what the converter prints. Not getrusage's: that one counts the process
# that started this one, too.
PROGRAM = """
import sys
from converter.__main__ import main
status = main(sys.argv[1:])
with open("/proc/self/status") as lines:
    print(*(int(line.split()[1]) // 1000 for line in lines if line.startswith("VmHWM")))
sys.exit(status)
"""


class Writer:
    """An ONNX graph under construction; every method returns the name of a tensor."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.consts: dict[str, Array] = {}
        self.rng = np.random.default_rng(1)

    def op(self, op: str, inputs: str, **attrs: object) -> str:
        self.nodes.append(node(op, inputs, f"t{len(self.nodes)}", **attrs))
        return f"t{len(self.nodes) - 1}"

    def const(self, data: Array) -> str:
        self.consts[f"c{len(self.consts)}"] = data
        return f"c{len(self.consts) - 1}"

    def real(self, *shape: int) -> str:
        return self.const(self.rng.standard_normal(shape, dtype=np.float32))

    def number(self, value: float) -> str:
        return self.const(np.array(value, np.float32))

    def norm(self, x: str, channels: int) -> str:
        scale, shift, mean = (self.real(channels) for _ in range(3))
        spread = self.const(np.ones(channels, np.float32))
        return self.op("BatchNormalization", f"{x} {scale} {shift} {mean} {spread}")

    def sign(self, x: str) -> str:
        """The sign of a straight-through estimator: (sign(x) - clip(x)) + clip(x)."""
        clipped = self.op("Clip", f"{x} {self.number(-1)} {self.number(1)}")
        difference = self.op("Sub", f"{self.op('Sign', x)} {clipped}")
        return self.op("Add", f"{difference} {clipped}")

    def binary(self, x: str, inputs: int, outputs: int, stride: int) -> str:
        """A convolution whose weight is sign(w) * mean|w|, unfolded."""
        w = self.real(outputs, inputs, 3, 3)
        mean = self.op("ReduceMean", self.op("Abs", w), axes=[1, 2, 3], keepdims=1)
        weight = self.op("Mul", f"{self.op('Sign', w)} {mean}")
        return self.op("Conv", f"{self.sign(x)} {weight}", pads=[1, 1, 1, 1], strides=[stride] * 2)


def bireal18() -> onnx.ModelProto:
    """Bi-Real-18 for 224 x 224 pictures, 47 MB."""
    net = Writer()
    x = net.op("Conv", f"x {net.real(64, 3, 7, 7)}", pads=[3] * 4, strides=[2, 2])
    x = net.op("MaxPool", net.norm(x, 64), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    inputs = 64
    for outputs in (64, 128, 256, 512):
        for _ in range(4):
            stride = 2 if outputs > inputs else 1
            y = net.norm(net.binary(x, inputs, outputs, stride), outputs)
            if stride == 2:
                x = net.op("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
                x = net.norm(net.op("Conv", f"{x} {net.real(outputs, inputs, 1, 1)}"), outputs)
            x, inputs = net.op("Add", f"{y} {x}"), outputs
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    x = net.op("Gemm", f"{x} {net.real(512, 1000)}")
    return model(net.nodes, {"x": (1, 3, 224, 224)}, net.consts, outputs=[x])


@pytest.mark.skipif(sys.platform != "linux", reason="peak of resident memory is read from /proc")
def test_published_size(tmp_path: Path) -> None:
    path = tmp_path / "bireal18.onnx"
    onnx.save(bireal18(), path)
    assert path.stat().st_size > 46e6
    command = [sys.executable, "-c", PROGRAM, str(path), "--moderate"]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=True
    )
    assert "21 layers (moderate): 16 binary" in result.stdout
    assert int(result.stdout.splitlines()[-1]) < MEGABYTES


def chain(length: int) -> Graph:
    """Blocks of sign, binary convolution, batch norm."""
    net = Net(1, 4, 4, 4)
    x, weight = net.x, net.signs(4, 4, 3, 3)
    for _ in range(length):
        x = net.bn(net.conv(net.sign(x), weight, pads=(1, 1, 1, 1)))
    return net.done(x)


def test_equal_nodes_are_found_in_one_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each node is looked at a few times, however many others there are."""
    looks = 0
    key = cse.Cse._key

    def counted(self: cse.Cse, node: object) -> object:
        nonlocal looks
        looks += 1
        return key(self, node)  # type: ignore[arg-type]

    monkeypatch.setattr(cse.Cse, "_key", counted)
    counts = []
    for length in (10, 40):
        looks = 0
        passes.run(chain(length))
        counts.append(looks)
    assert counts[1] < 5 * counts[0]

# SPDX-License-Identifier: BSD-3-Clause
"""Times the binary convolutions of the usual benchmarks and a whole Bi-Real-Net-18 on this machine, beside other programs.

Every peer is a process in an environment of its own (in the user's cache); one thread, in turn, round after round, and the
fastest run of all counts. The peers get the network without its signs (float, int8), Larq Compute Engine the binary one. What
cannot be installed or run here is named with the reason.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ci.bench.table import Cell, table
from ci.paths import ROOT, cache_dir
from converter import calibrate, lower, onnx_import, passes
from converter.samples import Samples
from pylibbnn import zoo
from pylibbnn.zoo.net import Net

WORKER = Path(__file__).parent / "peer_worker.py"
MODELS = Path(__file__).parent / "peer_models.py"
NETWORK = "bireal18"
#: H, W, C, O, kernel, stride, pad by the names of bnn-bench.
CASES = {
    "bconv_3x3_64": "56,56,64,64,3,1,1",
    "bconv_3x3_128": "28,28,128,128,3,1,1",
    "bconv_3x3_256": "14,14,256,256,3,1,1",
    "bconv_3x3_256_s2": "14,14,256,256,3,2,1",
    "bconv_3x3_512": "7,7,512,512,3,1,1",
    "bconv_5x5_256": "14,14,256,256,5,1,2",
    NETWORK: NETWORK,
}
ROUNDS = 8
ROUND_NS = 2e8  # what a peer runs in one round, about

TENSORFLOW = ("numpy<2", "tensorflow-cpu==2.15.1", "larq==0.14.*", "larq-compute-engine==0.16.*")
LITERT = ("ai-edge-litert",)


@dataclass(frozen=True)
class Peer:
    """A program: how peer_worker.py runs it, the ending of its models, what is installed for it (nothing: it is here).

    isa: instruction set of libbnn, otherwise the best.
    """

    name: str
    runner: str
    ending: str
    packages: tuple[str, ...] = ()
    isa: str = ""


LIBBNN = "libbnn"
PEERS = (
    Peer(LIBBNN, "libbnn", "dab"),
    Peer(f"{LIBBNN} int8", "libbnn", "int8.dab"),
    Peer(f"{LIBBNN} AVX2", "libbnn", "dab", isa="avx2"),
    Peer("onnxruntime float", "onnxruntime", "float.onnx"),
    Peer("onnxruntime int8", "onnxruntime", "int8.onnx"),
    Peer("LiteRT float", "litert", "float.tflite", LITERT),
    Peer("LiteRT int8", "litert", "int8.tflite", LITERT),
    Peer("LCE", "lce", "lce.tflite", TENSORFLOW),
)


class PeerError(Exception):
    """A peer cannot be installed or run; the text says why."""


# -- environments --------------------------------------------------------------------------------
def environment(name: str, packages: Sequence[str]) -> Path:
    """Return the Python that has the packages, after installing them if need be."""
    if not packages:
        return Path(sys.executable)
    folder = cache_dir() / "peers" / name
    stamp, python = folder / "installed", folder / "bin" / "python"
    wanted = "\n".join(packages)
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        venv.create(folder, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *packages]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise PeerError(f"not installed: {last_line(result.stderr)}")
        stamp.write_text(wanted, encoding="utf-8")
    return python


def last_line(text: str) -> str:
    """Return the last line that is not empty."""
    return ["no message", *filter(None, map(str.strip, text.splitlines()))][-1]


class Worker:
    """A running peer_worker.py."""

    def __init__(self, peer: Peer) -> None:
        python = environment(peer.runner, peer.packages)
        self._process = subprocess.Popen(
            [str(python), str(WORKER), peer.runner],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "BNN_ISA": peer.isa},
        )

    def best(self, path: Path, repeat: int) -> float:
        """Return the fastest of some runs in nanoseconds. Raises PeerError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{repeat} {path}\n")
        self._process.stdin.flush()
        for line in self._process.stdout:  # libraries may print, too
            if line.startswith("answer "):
                answer = line.removeprefix("answer ").strip()
                if answer.startswith("error"):
                    raise PeerError(answer)
                return float(answer)
        raise PeerError("its process has ended")

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()


# -- models --------------------------------------------------------------------------------------
def layer(shape: str, channels_last: bool) -> onnx.ModelProto:
    """A binary convolution of the signs of its input."""
    height, width, channels, outputs, kernel, stride, pad = map(int, shape.split(","))
    net = Net("layer", (1, channels, height, width))
    x = net.image
    if channels_last:  # what a layer inside a network sees
        net = Net("layer", (1, height, width, channels))
        x = net.op("Transpose", net.image, perm=[0, 3, 1, 2])
    x = net.conv(net.sign(x), outputs, kernel, stride, pad, alpha=True)
    return net.done(net.op("Transpose", x, perm=[0, 2, 3, 1]) if channels_last else x)


def without_signs(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network of float convolutions: every sign, Where(Less(x, 0), -1, 1), is left out."""
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    nodes = list(plain.graph.node)
    made = {name: node for node in nodes for name in node.output}
    signs = {
        node.output[0]: made[node.input[0]].input[0] for node in nodes if node.op_type == "Where"
    }
    del plain.graph.node[:]
    for node in nodes:
        if node.op_type not in ("Where", "Less"):
            node.input[:] = [signs.get(name, name) for name in node.input]
            plain.graph.node.append(node)
    return plain


def write_models(folder: Path, name: str, shape: str) -> None:
    """Write a case's .dab and .onnx files. A binary layer has nothing to be given 8 bits, so its 8-bit file is the same."""
    network = zoo.build(NETWORK) if name == NETWORK else None
    graph = onnx_import.from_model(network or layer(shape, channels_last=True))
    report = passes.run(graph, passes.Mode.MODERATE)
    (folder / f"{shape}.dab").write_bytes(lower.lower(graph, {}))
    calibrate.static(graph, random_images(graph.inputs[0], graph.shape(graph.inputs[0])), report)
    (folder / f"{shape}.int8.dab").write_bytes(lower.lower(graph, {}))
    plain = folder / f"{shape}.float.onnx"
    onnx.save(without_signs(network or layer(shape, channels_last=False)), str(plain))
    write_int8(plain, folder / f"{shape}.int8.onnx")


def random_images(name: str, shape: Sequence[int]) -> Samples:
    """Some images to calibrate with."""
    rng = np.random.default_rng(0)
    return Samples([{name: rng.standard_normal(shape).astype(np.float32)} for _ in range(4)], None)


def write_int8(plain: Path, quantised: Path) -> None:
    """onnxruntime's static quantisation: 8-bit weights per channel, calibrated on random images."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    first = onnx.load(str(plain)).graph.input[0]
    shape = [size.dim_value for size in first.type.tensor_type.shape.dim]

    class Images(quantization.CalibrationDataReader):  # type: ignore[misc]
        """Some random images."""

        def __init__(self) -> None:
            self._rest = iter(random_images(first.name, shape).inputs)

        def get_next(self) -> dict[str, Any] | None:
            """Return the next image."""
            return next(self._rest, None)

    quant_pre_process(str(plain), str(quantised), skip_symbolic_shape=True)
    quantization.quantize_static(str(quantised), str(quantised), Images(), per_channel=True)


def write_tflite(folder: Path, shapes: Sequence[str]) -> str:
    """Write the .tflite files; return why there are none, if so."""
    try:
        python = environment("lce", TENSORFLOW)
    except PeerError as error:
        return f"TensorFlow, which writes its model, is {error}"
    command = [str(python), str(MODELS), str(folder), *shapes]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"no model: {last_line(result.stderr)}" if result.returncode else ""


# -- measuring -----------------------------------------------------------------------------------
def measure(only: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
    """Measure; return rows for --json, and a table."""
    cases = {n: s for n, s in CASES.items() if not only or any(word in n for word in only)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case, shape in cases.items():
            write_models(folder, case, shape)
        failures = {}
        why = write_tflite(folder, list(cases.values()))
        if why:
            failures = {p.name: why for p in PEERS if p.ending.endswith("tflite")}
        workers = start(failures)
        try:
            found = rounds(workers, failures, folder, cases)
        finally:
            for worker in workers.values():
                worker.stop()
    rows = [{"name": case, "peer": peer, "ns": ns} for (case, peer), ns in found.items()]
    return rows, f"{peer_table(found)}{missing(failures)}"


def start(failures: dict[str, str]) -> dict[str, Worker]:
    """Start the peers that have not failed; those that cannot be started have then failed, too."""
    workers = {}
    for peer in PEERS:
        if peer.name not in failures:
            try:
                workers[peer.name] = Worker(peer)
            except PeerError as error:
                failures[peer.name] = str(error)
    return workers


Found = dict[tuple[str, str], float]  # nanoseconds by case and peer


def rounds(
    workers: dict[str, Worker], failures: dict[str, str], folder: Path, cases: dict[str, str]
) -> Found:
    """Run every peer's every case in turn, several times; those that fail are left out from then on."""
    found: Found = {}
    for case, shape in cases.items():
        for turn in range(ROUNDS + 1):  # the first one to see how long it takes
            for peer in PEERS:
                if peer.name in failures:
                    continue
                known = found.get((case, peer.name))
                repeat = max(1, int(ROUND_NS / known)) if known and turn else 1
                try:
                    ns = workers[peer.name].best(folder / f"{shape}.{peer.ending}", repeat)
                except PeerError as error:
                    failures[peer.name] = str(error)
                    continue
                found[case, peer.name] = min(ns, known or ns)
    return found


def peer_table(found: Found) -> str:
    """Return microseconds by case and peer, and how many times longer than libbnn a peer takes."""
    names = [peer.name for peer in PEERS]
    lines: list[list[Cell]] = []
    for case in dict.fromkeys(case for case, _ in found):
        ours = found[case, LIBBNN]
        line: list[Cell] = [case]
        for name in names:
            ns = found.get((case, name))
            times = "" if ns is None or name == LIBBNN else f" ({ns / ours:.1f} x)"
            line.append("" if ns is None else f"{ns / 1e3:.0f}{times}")
        lines.append(line)
    return table(["microseconds", *names], lines)


def missing(failures: dict[str, str]) -> str:
    """Return a sentence about peers that are not (wholly) in the table."""
    if not failures:
        return ""
    return f"\n\nNot run: {'; '.join(f'{name}: {why}' for name, why in failures.items())}."

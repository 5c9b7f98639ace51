# SPDX-License-Identifier: BSD-3-Clause
"""Threads change no bit. test_ops.py says so of every op without any; here real ones run whole networks."""

from __future__ import annotations

import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from ci.paths import ROOT
from converter import lower, onnx_import, passes
from converter.dab_model import Kind, Step, Type
from model.cases import Net
from model.test_core_runner import command_of
from targets import Target
from targets.target import DabError

ZOO = ROOT / "tests" / "converter" / "zoo"
NETWORKS = ("bireal18_dynamo", "reactnet_a_dynamo", "xnor_alexnet_dynamo", "quicknet_dynamo")
LIBRARY = ROOT / "libbnn"
MOST_WORKERS = 1024  # BNN_MAX_WORKERS of bnn.h


@lru_cache
def network(name: str) -> tuple[bytes, bytes]:
    """A .dab file and two samples for it."""
    graph = onnx_import.load(ZOO / f"{name}.onnx")
    shape = graph.shape(graph.inputs[0])
    passes.run(graph, "moderate")
    samples = np.random.default_rng(7).standard_normal((2, *shape)).astype("<f4")
    return lower.lower(graph, {"producer": "test"}), samples.tobytes()


def outputs(command: list[str], folder: Path, name: str, threads: int) -> bytes:
    """What bnn-run writes, after a few runs of each sample."""
    files = [folder / "model.dab", folder / "in.bin", folder / "out.bin"]
    for file, data in zip(files, network(name), strict=False):
        file.write_bytes(data)
    arguments = [*map(str, files), "--threads", str(threads), "--repeat", "3"]
    result = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return files[-1].read_bytes()


@pytest.mark.one_cpu
@pytest.mark.parametrize("name", NETWORKS)
def test_same_bits(target: Target, tmp_path: Path, name: str) -> None:
    one, two, three = (outputs(command_of(target), tmp_path, name, n) for n in (1, 2, 3))
    assert one == two == three


def test_workers_take_scratch(target: Target) -> None:
    """Each worker has scratch memory of its own, which the arena counts; without a hook nothing changes."""
    net = Net(np.random.default_rng(0))
    operands = [net.floats(20, 20, 3), net.weights((1, 64, 3, 3, 3), Type.W_F32)]
    words = [1, 1, 1, 1, 0, 0, 0, 0]
    net.computing(Kind.CONV2D, operands, (18, 18, 64), words, [Step.PRELU, Step.EMIT_SIGN])
    data, _ = net.finish()
    none, one, two, three = (target.load(data, workers=n).arena_bytes for n in (0, 1, 2, 3))
    assert none == one
    assert three - two == two - one > 0
    for workers in (MOST_WORKERS + 1, 2**32 - 1):  # whose sizes might not fit a number
        with pytest.raises(DabError, match="more than BNN_MAX_WORKERS"):
            target.load(data, workers=workers)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bnn-run with ThreadSanitizer, of plain C."""
    gcc = shutil.which("gcc")
    if not gcc:
        pytest.skip("this machine has no gcc")
    program = tmp_path_factory.mktemp("tsan") / "bnn-run"
    sources = [*(LIBRARY / "src").glob("*.c"), *(LIBRARY / "src" / "ops").glob("*.c")]
    sources += [*(LIBRARY / "src" / "generic").glob("*.c"), LIBRARY / "threads" / "pool.c"]
    sources += (LIBRARY / "profile").glob("*.c")
    options = ["-std=c11", "-O1", "-g", "-pthread", "-DBNN_CONFIG_GENERIC_ONLY=1"]
    includes = [f"-I{LIBRARY / part}" for part in ("include", "src", "threads", "profile")]
    files = [*map(str, sources), str(LIBRARY / "tools" / "bnn_run.c"), "-o", str(program)]
    build = subprocess.run(
        [gcc, *options, "-fsanitize=thread", *includes, *files],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "libtsan" in build.stderr:
        pytest.skip("this gcc has no ThreadSanitizer")
    assert build.returncode == 0, build.stderr
    return program


@pytest.mark.long
@pytest.mark.parametrize("name", NETWORKS[:2])
def test_no_data_races(checked: Path, tmp_path: Path, name: str) -> None:
    """A race is a report on standard error and another exit code."""
    assert outputs([str(checked)], tmp_path, name, 3) == outputs([str(checked)], tmp_path, name, 1)

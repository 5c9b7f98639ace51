# SPDX-License-Identifier: BSD-3-Clause
"""Counts of executed instructions on boards without files: this machine's bnn-bench makes the models, the tests' call server
runs them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ci import build
from ci.bench.counter import build_plugin, read
from ci.bench.region import CountError, Region
from ci.paths import ROOT
from ci.qemu import emulator, system
from ci.qemu.targets import Target, find

if TYPE_CHECKING:
    from targets import Buffer, Machine

STEP = 1  # the layer in a model of one, as in libbnn/tools/bench/bench.h


def isas(target: Target) -> list[str]:
    """Return the instruction sets of a board, its own choice last."""
    machine = _connect(target, [])
    machine.probe.finish()
    return machine.choices


def count_cases(
    target: Target, isa: str, arguments: Sequence[str]
) -> list[tuple[dict[str, Any], Region]]:
    """Run bnn-bench's cases (as `arguments` choose) with an instruction set; return each with what it executed."""
    build.build(find("native"))
    with tempfile.TemporaryDirectory() as folder:
        bench = [str(find("native").build / "bnn-bench"), "--write", folder, *arguments]
        written = subprocess.run(bench, capture_output=True, text=True, check=False)
        if written.returncode:
            raise CountError(written.stderr)
        cases = [{**case, "isa": isa} for case in json.loads(written.stdout)]
        out = Path(folder) / "counts"
        machine = _connect(target, ["-plugin", f"{build_plugin()},out={out}"])
        for case in cases:
            _run(machine, case, Path(folder))
        machine.probe.finish()
        return list(zip(cases, read(out.read_text(encoding="ascii")), strict=True))


def _connect(target: Target, options: Sequence[str]) -> Machine:
    """Start the target's call server, with more options for QEMU."""
    sys.path.insert(0, str(ROOT / "tests"))
    from targets import Machine
    from targets.memory import Memory
    from targets.probe import Probe

    qemu = emulator.find(target.emulator)
    if qemu is None:
        raise CountError(f"no {target.emulator}: python -m ci.qemu.system, or {system.ADVICE}")
    memory = Memory(target.board)
    command = target.command(qemu, target.cpus[0], str(target.build / "probe"), memory.path)
    machine = Machine(target.name, target.cpus[0], Probe([*command, *options], memory))
    machine.connect()
    return machine


def _run(machine: Machine, case: dict[str, Any], folder: Path) -> None:
    """Run one case: a packing kernel by itself, a layer_ as a whole, of others the step of the layer."""
    from targets import Target as Board

    board = Board(machine)
    name, isa = case["name"], case["isa"]
    random = np.random.default_rng(1)
    model = folder / f"{name}.dab"
    if model.is_file():
        loaded = board.load(
            model.read_bytes(), isa, step=None if name.startswith("layer_") else STEP
        )
        loaded.run([random.uniform(-1, 1, tensor.shape) for tensor in loaded.inputs])
        return
    height, width, channels = map(int, case["shape"].split("x"))
    pixels = height * width
    x = board.put(random.uniform(-1, 1, (pixels, channels)).astype(np.float32))
    out = board.empty(pixels * channels // 8, align=16)
    arguments: list[int | Buffer | None] = [out, x, pixels, 4 * channels, channels]
    if name == "pack_threshold":
        threshold = board.put(random.uniform(-1, 1, channels).astype(np.float32))
        flip = board.put(np.zeros(channels // 8, np.uint8))
        arguments.append(board.struct(("ptr", threshold), ("ptr", flip)))
    better = machine.choices[: machine.choices.index(isa) + 1]  # as the library chooses
    known = [row for slot, row in machine.kernels if slot == name and row in better]
    board.kernel(name, known[-1])(*arguments)

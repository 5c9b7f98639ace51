# SPDX-License-Identifier: BSD-3-Clause
"""Convert the digits network and run all test images on every machine there is: `nox -s demo`.

Prints one table: accuracy per machine and instruction set, model size against the float model, arena bytes. Exits with 1 when a
machine predicts something else than this one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ci.qemu import emulator
from ci.qemu.targets import targets
from pylibbnn import Model, isas

HERE = Path(__file__).resolve().parent
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Result:
    """Logits of one machine, or why it did not run."""

    machine: str
    isa: str
    logits: Array | None
    note: str = ""


def convert(folder: Path) -> Path:
    """Convert digits.onnx as a user would and return the .dab file."""
    model = folder / "digits.dab"
    command = [
        sys.executable,
        "-m",
        "converter",
        str(HERE / "digits.onnx"),
        "--moderate",
        "-o",
        str(model),
    ]
    subprocess.run(command, check=True)
    return model


def native(model: Path, images: Array) -> list[Result]:
    """Run in this process, with the portable kernels and with the best."""
    names = ["c"] if len(isas()) == 1 else ["c", isas()[-1]]
    return [Result("this machine, in Python", isa, Model(model, isa).run(images)) for isa in names]


def foreign(name: str, model: Path, images: Array) -> list[Result]:
    """Run bnn-run of another target, under its emulator."""
    target = targets()[name]
    program = target.build / "bnn-run"
    if not program.is_file():
        return [Result(name, "", None, f"skipped: no {program.name}; run `nox -s build -- {name}`")]
    command = [str(program)]
    machine = f"{name}, bnn-run"
    if target.emulator:
        found = emulator.find(target.emulator)
        if found is None:
            return [Result(name, "", None, f"skipped: no {target.emulator}; {emulator.ADVICE}")]
        command = [found, "-cpu", target.cpus[-1], *command]
        machine = f"{name} ({target.cpus[-1].partition(',')[0]}), bnn-run"
    results = []
    with tempfile.TemporaryDirectory() as work:
        given, taken = Path(work) / "in.bin", Path(work) / "out.bin"
        images.astype("<f4").tofile(given)
        for isa in ("c", None):
            arguments = [str(model), str(given), str(taken), *(["--isa", isa] if isa else [])]
            subprocess.run([*command, *arguments], check=True)
            logits = np.fromfile(taken, "<f4").reshape(len(images), -1)
            results.append(Result(machine, isa or "best", logits))
    return results


def report(results: list[Result], labels: Array) -> bool:
    """Print the table and return whether all machines agree."""
    reference = results[0].logits
    assert reference is not None
    print(
        f"\n{'machine':36} {'isa':6} {'accuracy':>9}  {'predictions':12} largest difference of a logit"
    )
    agree = True
    for result in results:
        if result.logits is None:
            print(f"{result.machine:36} {result.note}")
            continue
        predicted = result.logits.argmax(1)
        same = bool((predicted == reference.argmax(1)).all())
        agree &= same
        accuracy = 100 * (predicted == labels).mean()
        difference = np.abs(result.logits - reference).max()
        verdict = "equal" if same else "DIFFERENT"
        print(
            f"{result.machine:36} {result.isa:6} {accuracy:7.1f} %  {verdict:12} {difference:.1e}"
        )
    return agree


def main() -> int:
    """Run the demo and return the exit code."""
    test = np.load(HERE / "test.npz")
    images, labels = test["x"], test["y"]
    measured = json.loads((HERE / "measured.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        model = convert(Path(folder))
        results = native(model, images)
        for name in ("native", "aarch64", "armv7"):
            results += foreign(name, model, images)
        agree = report(results, labels)
        loaded = Model(model)
        size = loaded.file_bytes
        floats = 4 * (measured["binary_weights"] + measured["float_parameters"])
        print(
            f"\n{len(images)} images; PyTorch measured {100 * measured['accuracy_pytorch']:.1f} %"
        )
        print(
            f"model: {size} bytes, the same network in float32: {floats} bytes ({floats / size:.1f} x)"
        )
        print(f"arena: {loaded.arena_bytes} bytes")
    if not agree:
        print("error: the machines do not predict the same", file=sys.stderr)
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())

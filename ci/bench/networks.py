# SPDX-License-Identifier: BSD-3-Clause
"""Whole networks of `python -m pylibbnn zoo`: cost by kind of op, and the arena beside the largest live set.

Cost is executed instructions of an emulated cpu, or milliseconds (sum of each op's best run) on this machine. The arena's
activations are compared with the largest sum of tensors that the order of ops needs at once.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ci.bench.counter import count, how
from ci.bench.region import CountError
from ci.bench.table import Cell, table
from ci.qemu.targets import Target
from converter import calibrate, dab, lower, onnx_import, passes
from converter.dab_model import Kind
from converter.memory import Interval, lower_bound
from converter.samples import Samples
from pylibbnn import zoo

BINARY, OTHERS = "binary", "others"
#: Columns of the table, and the kinds of op that each sums up; those without a column are others.
GROUPS: dict[str, tuple[Kind, ...]] = {
    BINARY: (Kind.BCONV2D, Kind.BDENSE),
    "convolution": (Kind.CONV2D, Kind.QCONV2D),
    "dense": (Kind.DENSE, Kind.QDENSE),
    "pooling": (Kind.MAXPOOL2D, Kind.AVGPOOL2D, Kind.BMAXPOOL2D),
}
#: Behind the name of a network: its layers that are not binary have 8 bits.
INT8, DYNAMIC = "-int8", "-dynamic"
NAMES = (*zoo.NETWORKS, "bireal18-int8", "xnor-alexnet-int8", "bireal18-dynamic")
#: Largest share of what is not binary, of counted instructions.
GOALS = {"bireal18": 0.55, "bireal18-int8": 0.35}
ARENA_GOAL = 1.1
REPEAT = 20
ROW = re.compile(r"^ *\d+  \w+ +([\d.]+) ", re.MULTILINE)


@dataclass(frozen=True)
class Prepared:
    """A converted network as files for bnn-run."""

    name: str
    path: Path
    image: Path
    model: dab.Model

    @property
    def live(self) -> int:
        """Bytes of the largest live set."""
        tensors = [t for t in self.model.tensors if not t.constant]
        return lower_bound([Interval(t.first, t.last, t.bytes) for t in tensors])


def prepare(name: str, scale: zoo.Scale, folder: Path, samples: int = 1) -> Prepared:
    """Build and convert a network of the zoo, and draw its images; the first one gives the ranges of static 8 bits."""
    network = name.removesuffix(INT8).removesuffix(DYNAMIC)
    graph = onnx_import.from_model(zoo.build(network, scale))
    report = passes.run(graph, passes.Mode.MODERATE)
    (x,) = graph.inputs
    image = np.random.default_rng(0).standard_normal((samples, *graph.shape(x)))
    if name.endswith(INT8):
        first = {x: image[0].astype(np.float32)}
        calibrate.static(graph, Samples([first], None), report)
    elif name.endswith(DYNAMIC):
        calibrate.dynamic(graph, report)
    data = lower.lower(graph, {})
    prepared = Prepared(name, folder / f"{name}.dab", folder / f"{name}.bin", dab.read(data))
    prepared.path.write_bytes(data)
    prepared.image.write_bytes(image.astype("<f4").tobytes())
    return prepared


def costs(target: Target, isa: str | None, network: Prepared) -> list[float]:
    """Run it; return the cost of every op, again for each sample where instructions are counted."""
    program = target.build / "bnn-run"
    arguments = [str(network.path), str(network.image), str(network.path.with_suffix(".out"))]
    arguments += ["--isa", isa] if isa else []
    if target.emulator:
        regions = count(target, target.cpus[-1], program, [*arguments, "--mark"])[1]
        return [float(region.instructions) for region in regions]
    command = [str(program), *arguments, "--profile", "--repeat", str(REPEAT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise CountError(f"bnn-run failed: {result.stderr.strip()}")
    return [float(ms) for ms in ROW.findall(result.stdout)]


def by_group(model: dab.Model, found: Sequence[float]) -> dict[str, float]:
    """Sum up the costs of a model's ops by the groups of GROUPS."""
    groups = {kind: name for name, kinds in GROUPS.items() for kind in kinds}
    sums = dict.fromkeys([*GROUPS, OTHERS], 0.0)
    for op, cost in zip(model.ops, found, strict=True):
        sums[groups.get(op.kind, OTHERS)] += cost
    return sums


def row(network: Prepared, target: str, found: Sequence[float]) -> dict[str, Any]:
    """Return what --json writes about a network."""
    groups = by_group(network.model, found)
    total = sum(found)
    return {
        "name": network.name,
        "target": target,
        "cost": total,
        "groups": groups,
        "not_binary": 1 - groups[BINARY] / total,
        "activations": network.model.activation_bytes,
        "live": network.live,
    }


def chosen(only: Sequence[str]) -> list[str]:
    """Return the networks of these names, or that have one of these words in theirs; all without words."""
    exact = [name for name in NAMES if name in only]
    return exact or [n for n in NAMES if not only or any(word in n for word in only)]


def measure(
    target: Target, isa: str | None, only: Sequence[str]
) -> tuple[list[dict[str, Any]], str]:
    """Measure networks; return rows for --json, and tables."""
    rows = []
    for name in chosen(only):
        with tempfile.TemporaryDirectory() as folder:
            network = prepare(name, zoo.Scale(), Path(folder))
            rows.append(row(network, target.name, costs(target, isa, network)))
    what = f"Million executed instructions, by {how(target)}" if target.emulator else "Milliseconds"
    title = f"**{target.name}, isa {isa or 'the best'}, whole networks.** {what}:"
    return rows, f"{title}\n\n{cost_table(rows)}\n\nBytes of activations:\n\n{arena_table(rows)}"


def cost_table(rows: Iterable[dict[str, Any]]) -> str:
    """Return cost by group, and the share of what is not binary."""
    names = [*GROUPS, OTHERS]
    lines: list[list[Cell]] = []
    for found in rows:
        counted = found["target"] != "native"
        unit = 1e6 if counted else 1.0
        parts = [found["groups"][name] / unit for name in names]
        goal = GOALS.get(found["name"]) if counted else None
        share = found["not_binary"]
        verdict = "" if goal is None else "ok" if share <= goal else f"more than {goal:.0%}"
        lines.append([found["name"], found["cost"] / unit, *parts, f"{share:.1%}", verdict])
    return table(["", "all", *names, "not binary", ""], lines)


def arena_table(rows: Iterable[dict[str, Any]]) -> str:
    """Return the arena's activations beside the largest live set."""
    lines: list[list[Cell]] = []
    for found in rows:
        ratio = found["activations"] / found["live"]
        verdict = "ok" if ratio <= ARENA_GOAL else f"more than {ARENA_GOAL}"
        lines.append([found["name"], found["activations"], found["live"], f"{ratio:.3f}", verdict])
    return table(["", "in the arena", "largest live set", "ratio", ""], lines)

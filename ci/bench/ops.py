# SPDX-License-Identifier: BSD-3-Clause
"""Where a network's instructions go, op by op: the `profile` command of a cpu that is only emulated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ci.bench import networks
from ci.bench.counter import how
from ci.bench.table import Cell, table
from ci.qemu.targets import Target
from converter import dab
from converter.dab_model import Kind
from pylibbnn import Model, zoo

#: Multiply-adds of a vector instruction, which bound instructions from below; binary ones take an exclusive or, a count and an
#: addition.
BINARY_MACS, FLOAT_MACS = 128 / 3, 4
#: Ops whose multiply-adds are of neither kind.
UNBOUNDED = (Kind.QCONV2D, Kind.QDENSE)
HEAD = ("op", "kind", "M instr.", "share", "Mmac", "bound", "weights K", "activ. K", "nodes")
NODES_WIDTH = 40


def prepare(source: str, folder: Path) -> networks.Prepared:
    """Return a network of the zoo by name, or a .dab file with a random sample."""
    if source in zoo.NETWORKS:
        return networks.prepare(source, zoo.Scale(), folder)
    path = Path(source)
    random = np.random.default_rng(0)
    sample = [random.standard_normal(t.shape).astype("<f4") for t in Model(path).inputs]
    image = folder / "sample.bin"
    image.write_bytes(b"".join(array.tobytes() for array in sample))
    # bnn-run writes its outputs beside `path`: not into the caller's folder.
    copy = folder / "model.dab"
    copy.write_bytes(path.read_bytes())
    return networks.Prepared(path.stem, copy, image, dab.read(copy.read_bytes()))


def rows_of(network: networks.Prepared, costs: Sequence[float]) -> list[dict[str, Any]]:
    """Return a row per op: its instructions and, of these, the share that its multiply-adds need at least."""
    rows = []
    for step, op, cost in zip(Model(network.path).steps, network.model.ops, costs, strict=True):
        least = step.macs / (BINARY_MACS if step.binary else FLOAT_MACS)
        rows.append(
            {
                "op": step.op,
                "kind": step.kind,
                "instructions": cost,
                "share": cost / sum(costs),
                "macs": step.macs,
                "of_bound": least / cost if least and op.kind not in UNBOUNDED else None,
                "weight_bytes": step.weight_bytes,
                "activation_bytes": step.activation_bytes,
                "binary": step.binary,
                "nodes": step.name,
            }
        )
    return rows


def measure(target: Target, isa: str | None, source: str) -> tuple[list[dict[str, Any]], str]:
    """Count the ops of a network of the zoo, or of a .dab file; return rows for --json, and a table."""
    with TemporaryDirectory() as folder:
        network = prepare(source, Path(folder))
        rows = rows_of(network, networks.costs(target, isa, network))
    title = f"**{target.name}, isa {isa}, {network.name}.** Executed instructions, by {how(target)}"
    binary = sum(row["share"] for row in rows if row["binary"])
    total = sum(row["instructions"] for row in rows)
    text = f"all {total / 1e6:.3f} million; binary {100 * binary:.1f} %, others {100 - 100 * binary:.1f} %"
    return rows, f"{title}:\n\n{table(HEAD, [_cells(row) for row in rows], left=2)}\n\n{text}."


def _cells(row: dict[str, Any]) -> list[Cell]:
    bound, nodes = row["of_bound"], row["nodes"]
    return [
        str(row["op"]),
        row["kind"],
        row["instructions"] / 1e6,
        f"{100 * row['share']:.1f} %",
        row["macs"] / 1e6 if row["macs"] else None,
        f"{100 * bound:.0f} %" if bound else None,
        f"{row['weight_bytes'] / 1024:.1f}",
        f"{row['activation_bytes'] / 1024:.1f}",
        nodes if len(nodes) <= NODES_WIDTH else f"{nodes[: NODES_WIDTH - 3]}...",
    ]

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
from ci.bench.region import CountError
from ci.bench.table import Cell, table
from ci.qemu.targets import Target
from converter import dab
from converter.dab_model import Kind
from pylibbnn import BnnError, Model, zoo

#: Multiply-adds of a vector instruction, which bound instructions from below; binary ones take an exclusive or, a count and an
#: addition.
BINARY_MACS, FLOAT_MACS = 128 / 3, 4
#: The same of 8-bit numbers, by instruction set: two products and their sum for 16, one instruction, half of one.
EIGHT_BIT_MACS = {"neon": 16 / 3, "neon_dotprod": 16}
MATRIX_MACS = 32
EIGHT_BIT = (Kind.QCONV2D, Kind.QDENSE)
HEAD = ("op", "kind", "M instr.", "share", "Mmac", "bound", "weights K", "activ. K", "nodes")
NODES_WIDTH = 40


def prepare(source: str, folder: Path) -> networks.Prepared:
    """Return a network by name, or a .dab file with a random sample. Raises CountError if it is neither."""
    if source in networks.NAMES:
        return networks.prepare(source, zoo.Scale(), folder)
    path = Path(source)
    random = np.random.default_rng(0)
    try:
        inputs = Model(path).inputs
    except OSError as error:
        names = ", ".join(networks.NAMES)
        raise CountError(f"--ops {source}: {error.strerror}; networks: {names}") from None
    except (BnnError, ValueError) as error:
        raise CountError(f"--ops {error}") from None
    sample = [random.standard_normal(t.shape).astype("<f4") for t in inputs]
    image = folder / "sample.bin"
    image.write_bytes(b"".join(array.tobytes() for array in sample))
    # bnn-run writes its outputs beside `path`: not into the caller's folder.
    copy = folder / "model.dab"
    copy.write_bytes(path.read_bytes())
    return networks.Prepared(path.stem, copy, image, dab.read(copy.read_bytes()))


def rows_of(
    network: networks.Prepared, costs: Sequence[float], isa: str | None
) -> list[dict[str, Any]]:
    """Return a row per op: its instructions and, of these, the share that its multiply-adds need at least."""
    rows = []
    eight_bit = EIGHT_BIT_MACS.get(isa or "", MATRIX_MACS)
    for step, op, cost in zip(Model(network.path).steps, network.model.ops, costs, strict=True):
        real = eight_bit if op.kind in EIGHT_BIT else FLOAT_MACS
        least = step.macs / (BINARY_MACS if step.binary else real)
        rows.append(
            {
                "op": step.op,
                "kind": step.kind,
                "instructions": cost,
                "share": cost / sum(costs),
                "macs": step.macs,
                "of_bound": least / cost if least else None,
                "weight_bytes": step.weight_bytes,
                "activation_bytes": step.activation_bytes,
                "binary": step.binary,
                "nodes": step.name,
            }
        )
    return rows


def measure(target: Target, isa: str | None, source: str) -> tuple[list[dict[str, Any]], str]:
    """Count the ops of a network, or of a .dab file; return rows for --json, and a table."""
    with TemporaryDirectory() as folder:
        network = prepare(source, Path(folder))
        rows = rows_of(network, networks.costs(target, isa, network), isa)
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

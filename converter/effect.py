# SPDX-License-Identifier: BSD-3-Clause
"""What 8 bits change: the sizes of the file, the outputs, and with labels the accuracy."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from converter.graph import Graph
from converter.samples import Samples
from converter.verify_runners import library


@dataclass
class Effect:
    """`ranges`: how they were found, in words; `largest_change` of each output, as a share of its largest magnitude."""

    ranges: str
    file_bytes_before: int
    file_bytes_after: int
    samples: int = 0
    largest_change: dict[str, float] = field(default_factory=dict)
    accuracy_before: float | None = None
    accuracy_after: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """For the JSON report."""
        return asdict(self)

    def __str__(self) -> str:
        change = self.file_bytes_after / self.file_bytes_before - 1
        text = f"8 bits ({self.ranges}): file {self.file_bytes_before} -> {self.file_bytes_after} bytes ({100 * change:+.1f} %)"
        lines = [text]
        lines += [
            f"output '{name}': largest change {error:.1e} of the largest magnitude ({self.samples} samples)"
            for name, error in self.largest_change.items()
        ]
        if self.accuracy_before is not None and self.accuracy_after is not None:
            shares = f"{100 * self.accuracy_before:.2f} -> {100 * self.accuracy_after:.2f} %"
            lines.append(f"accuracy {shares} ({self.samples} labelled samples)")
        return "\n".join(lines)


def measure(
    before: bytes, after: bytes, graph: Graph, samples: Samples | None, ranges: str
) -> Effect:
    """Run both files on the samples, if there are any."""
    effect = Effect(ranges, len(before), len(after))
    if samples is None:
        return effect
    runs = [library(data) for data in (before, after)]
    results = [[run(inputs) for inputs in samples.inputs] for run in runs]
    effect.samples = len(samples.inputs)
    for name in graph.outputs:
        old, new = (np.stack([row[name].ravel() for row in rows]) for rows in results)
        largest = float(np.abs(old).max()) or 1.0
        effect.largest_change[name] = float(np.abs(new - old).max()) / largest
        if samples.labels is not None and len(graph.outputs) == 1:
            effect.accuracy_before, effect.accuracy_after = (
                float(np.mean(scores.argmax(1) == samples.labels)) for scores in (old, new)
            )
    return effect

# SPDX-License-Identifier: BSD-3-Clause
"""The last look: which source nodes each layer of the report has taken over.

bconv(result) -> threshold, affine ...: their sources go into `fused` of the row named `result`.
"""

from __future__ import annotations

from converter.graph import Node
from converter.passes.rule import Rule, merged


class Finish(Rule[Node]):
    """Complete the rows of the report; changes nothing."""

    ops = frozenset({"bconv", "bdense", "qconv", "qdense", "conv", "dense"})
    repeat = False

    def pattern(self, node: Node) -> Node | None:
        """Layers that the source model names."""
        return node if "result" in node.attrs else None

    def rewrite(self, match: Node) -> None:
        """Sources of the thresholds and affines that read this layer."""
        rows = {row.output: row for row in self.context.report.rows}
        row = rows.get(match.attrs["result"])
        if row is None:
            return
        followers = [
            n for n in self.graph.consumers(match.output) if n.op in ("threshold", "affine")
        ]
        names = merged(row.fused, match.sources, *(node.sources for node in followers))
        row.fused = [name for name in names if name != row.node]

# SPDX-License-Identifier: BSD-3-Clause
"""What is left of ONNX Sign's 0 at 0 once integer thresholds are found: signs of floats. A warning, or an error.

quantise(attributes zero, centred) -> quantise
"""

from __future__ import annotations

import numpy as np

from converter.errors import ConversionError
from converter.graph import Node
from converter.passes.rule import Rule, SignZero


class Zeros(Rule[Node]):
    """Signs of floats that may meet 0 are reported."""

    ops = frozenset({"quantise"})

    def pattern(self, node: Node) -> Node | None:
        """A quantise that stands for an ONNX Sign."""
        return node if "zero" in node.attrs else None

    def rewrite(self, match: Node) -> None:
        """Decide, say so, forget."""
        plus, minus = match.attrs.pop("zero")
        del match.attrs["centred"]
        if np.array_equal(plus, minus):
            return
        asked = self.context.sign_zero
        if asked is SignZero.ERROR:
            raise ConversionError(
                f"{match.describe()}: it may meet 0, where ONNX Sign gives 0; say what it becomes "
                "with --sign-zero +1 or --sign-zero -1"
            )
        self.context.report.decided_zero(match.sources)
        name = match.sources[0] if match.sources else match.output
        if asked is SignZero.AUTO and name not in self.context.zeros:
            self.context.zeros.append(name)

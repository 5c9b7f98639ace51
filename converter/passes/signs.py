# SPDX-License-Identifier: BSD-3-Clause
"""Sign functions, however they are spelled.

    x -> [elementwise nodes that end in two values lo < hi] -> y    x -> quantise(threshold, flip) [-> affine(mul, add)] -> y

mul = (hi - lo) / 2, add = (hi + lo) / 2; the affine is left out where the values are -1 and +1. `values.py` proves that y
takes finitely many values (or y is a Where, whose condition may exclude values of its branches); the threshold is found by
evaluating the nodes (`steps.py`), so it is exactly theirs. The region grows backwards over everything elementwise that nobody
else reads: BatchNormalization, Relu, bias in front of a sign become part of the threshold. A constant padding in front moves
behind: pad(x, v) -> sign becomes sign -> pad(sign(v)), where a sign(0) = 0 is kept as padding with 0.

Where an ONNX Sign meets 0, y takes a third value. The quantise takes the side that the option sign_zero says; attribute `zero`
holds both thresholds (for sign(0) = +1, -1), x between them meets the 0. Attribute `centred` says whether the third value is in
the middle of the others, so that the affine makes it of 0; only then can larger regions still reckon with that 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from converter.graph import Array, Node
from converter.passes.region import ELEMENTWISE, Region, cuts
from converter.passes.rule import Rule, SignZero, channels, merged, uniform
from converter.passes.steps import SAME, Step, float_step
from converter.passes.values import Fact, facts


@dataclass
class Found:
    """Regions that end at a node; `check` fills the rest: which one is a step, and both thresholds if it meets sign(0)."""

    regions: list[Region]
    region: Region | None = None
    step: Step | None = None
    zero: tuple[Array, Array] | None = None


class Signs(Rule[Found]):
    """Two-valued elementwise regions become quantise (and affine)."""

    ops = ELEMENTWISE
    backwards = True
    repeat = False
    _facts: dict[str, Fact] | None = None

    def pattern(self, node: Node) -> Found | None:
        """A float tensor with finitely many values that elementwise nodes make from one tensor."""
        if self._facts is None:
            self._facts = facts(self.graph)
        fact = self._facts.get(node.output)
        if fact is None or self.graph.values[node.output].dtype != np.float32:
            return None
        if not fact.finite and node.op != "where":
            return None
        if node.op == "affine" and self._quantised(node.inputs[0]):
            return None
        regions = list(cuts(self.graph, node.output))
        if not regions or (node.op == "quantise" and not any(map(self._grows, regions))):
            return None
        return Found(regions)

    def _quantised(self, name: str) -> bool:
        producer = self.graph.producer(name)
        return producer is not None and producer.op == "quantise"

    def _grows(self, region: Region) -> bool:
        """Whether a quantise could swallow what is in front of it."""
        return len(region.nodes) > 1 and region.private()

    def check(self, match: Found) -> str | None:
        """The smallest region that is a step decides; larger ones replace it while nobody else reads what they swallow.

        They do so in any case as long as the source has few values itself: it may be a Sign, whose 0 is still exact here.
        """
        reason = "it depends on more than one real-valued tensor"
        for region in match.regions:
            if match.region is not None and not self._few(match.region) and not region.private():
                break
            step, zero, why = self._step(region)
            if step is not None:
                match.region, match.step, match.zero = region, step, zero
            elif match.region is not None:
                break
            else:
                reason = why
        if match.region is not None and match.region.nodes[-1].op == "quantise":
            return None if len(match.region.nodes) > 1 else "nothing to swallow"
        return None if match.region is not None else reason

    def _few(self, region: Region) -> bool:
        """Whether the source of a region takes finitely many values."""
        assert self._facts is not None
        return self._facts.get(region.source, Fact()).finite

    def _step(self, region: Region) -> tuple[Step | None, tuple[Array, Array] | None, str]:
        count = channels(self.graph.shape(region.output))
        width, landmarks = region.width, region.landmarks()
        if self.graph.values[region.source].dtype != np.float32:
            return None, None, "it is not made from floats"
        fact = (self._facts or {}).get(region.source, Fact())
        bounds, sides, meets_zero = (fact.low, fact.high), [], False
        for side in (0, 1, -1) if region.knows_zero() else (1, -1):
            found = float_step(partial(region.evaluate, zero=side), width, landmarks, bounds)
            if isinstance(found, str):
                if side:
                    return None, None, found
                meets_zero = True
                continue
            if side == 0:
                signs = np.all(np.abs((found.low, found.high)) == 1)
                if region.nodes[-1].op == "quantise" and not signs:
                    continue  # what reads the quantise already counts on signs: its 0 is decided
                return found.widen(count), None, ""
            sides.append(found.widen(count))
        plus, minus = sides
        if meets_zero and np.array_equal(plus.threshold, minus.threshold):
            return None, None, "what it gives at 0 is neither of its two values"
        if not all(
            np.array_equal(a, b)
            for a, b in ((plus.flip, minus.flip), (plus.low, minus.low), (plus.high, minus.high))
        ):
            return None, None, "what it gives at 0 is not between its two values"
        chosen = minus if self.context.sign_zero is SignZero.MINUS else plus
        return chosen, (plus.threshold, minus.threshold), ""

    def _levels(self, region: Region) -> Array:
        """The values that the result should have; straight-through sums leave the rounding of a sum around them."""
        found = (self._facts or {}).get(region.output, Fact()).distinct()
        return np.zeros(0) if found is None else found.astype(np.float64)

    def refused(self, match: Found, reason: str) -> None:
        """A tensor of two values that is no sign will hardly run: say why."""
        region = match.regions[0]
        node = region.nodes[-1]
        cancelled = (self._facts or {}).get(region.output, Fact()).nominal  # see straight.py
        if len(self._levels(region)) == 2 and node.op != "quantise" and not cancelled:
            self.context.report.warn(
                f"{node.describe()}: its result has two values, but it is no sign function of one tensor: {reason}"
            )

    def rewrite(self, match: Found) -> None:
        """Nodes -> quantise, affine where needed, and pad where one stood in front."""
        region, step = match.region, match.step
        assert region is not None
        assert step is not None
        source, border = region.source, None
        pad = self.graph.producer(source)
        if pad is not None and pad.op == "pad":
            border = padded_value(region, pad)
            if border is not None:
                source = pad.inputs[0]
                border = float(_snap(np.array([border]), self._levels(region))[0])
        anchor = region.nodes[-1]
        flips, low, high = canonical(step, self._levels(region))
        threshold = self.graph.add_const(step.threshold, "threshold")
        flip = self.graph.add_const(flips.astype(bool), "flip")
        attrs = dict(anchor.attrs) if anchor.op == "quantise" else {}
        attrs = {key: value for key, value in attrs.items() if key not in ("zero", "centred")}
        if match.zero is not None:
            attrs["zero"] = match.zero
            attrs["centred"] = centred(region, step, match.zero)
        signs = [name for node in region.nodes if node.op == "sign" for name in node.sources]
        sources = merged(signs, anchor.sources, region.sources)
        chain = [Node("quantise", [source, threshold, flip], [], attrs, sources)]
        mul, add = ((high - low) / 2).astype(np.float32), ((high + low) / 2).astype(np.float32)
        if np.any(mul != 1) or np.any(add != 0):
            operands = [self.graph.add_const(mul, "mul"), self.graph.add_const(add, "add")]
            chain.append(Node("affine", ["", *operands], [], {}, list(sources)))
        if border is not None and pad is not None:
            pads = {k: pad.attrs[k] for k in ("before", "after")}
            merged_sources = merged(pad.sources, sources)
            chain.append(Node("pad", [""], [], {**pads, "value": border}, merged_sources))
        shape = self.graph.shape(source)
        previous = source
        for node in chain:
            last = node is chain[-1]
            name = region.output if last else self.graph.fresh(region.output)
            if not last:
                self.graph.add_value(name, shape)
            node.inputs[0], node.outputs = previous, [name]
            previous = name
        self.graph.insert_before(anchor, *chain)
        self.graph.remove(anchor)


def centred(region: Region, step: Step, zero: tuple[Array, Array]) -> bool:
    """Whether the third value, where Sign gives 0, is in the middle of the two others."""
    meets = zero[0] != zero[1]
    third = region.evaluate(np.minimum(*zero)[None, :])[0]
    return bool(np.all((third == (step.low + step.high) / 2)[meets]))


def canonical(step: Step, nominal: Array) -> tuple[Array, Array, Array]:
    """Flip, lower and upper value of each channel. Constant channels share the values of the others, where they can.

    Values that are `nominal` ones up to rounding become those.
    """
    low, high = (_snap(values.astype(np.float64), nominal) for values in (step.low, step.high))
    constant, old = low == high, low
    if not np.any(constant):
        return step.flip, low, high
    others = (
        np.concatenate([low, high])
        if np.all(constant)
        else np.append(low[~constant], high[~constant])
    )
    lower, upper = others.min(), others.max()
    if lower == upper:
        lower, upper = (lower - 2, lower) if lower > 0 else (lower, lower + 2)
    known = constant & ((low == lower) | (low == upper))
    flip = np.where(known, old == lower, step.flip)
    return flip, np.where(known, lower, low), np.where(known, upper, high)


def _snap(values: Array, nominal: Array) -> Array:
    """Each value, or the nominal one that it is within rounding."""
    if not len(nominal):
        return values
    nearest = nominal[np.abs(values[:, None] - nominal).argmin(axis=1)]
    close = np.abs(values - nearest) <= SAME * np.abs(nominal).max()
    snapped: Array = np.where(close, nearest, values)
    return snapped


def padded_value(region: Region, pad: Node) -> float | None:
    """What the region makes of the value that a pad of height and width adds; None if channels differ."""
    before, after = pad.attrs["before"], pad.attrs["after"]
    if len(before) != 4 or any((*before[:2], *after[:2])):
        return None
    count = channels(region.graph.shape(region.output))
    result = region.evaluate(np.full((1, count), pad.attrs["value"], np.float32))
    return float(result[0, 0]) if uniform(result) else None

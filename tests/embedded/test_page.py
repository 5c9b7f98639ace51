# SPDX-License-Identifier: BSD-3-Clause
"""docs/embedding.md names every switch there is, and none that there is not; main.c stays a starting point."""

from __future__ import annotations

import re

from ci.paths import ROOT

FAMILY = re.compile(r"BNN_CONFIG_(OP|STEP)_")


def switches(text: str) -> set[str]:
    """Names of switches in a text; of ops' and steps' only that there are some."""
    names = set(re.findall(r"BNN_CONFIG_\w*\w", text)) - {"BNN_CONFIG_H", "BNN_CONFIG_FILE"}
    return {f"BNN_CONFIG_{found[1]}_" if (found := FAMILY.match(name)) else name for name in names}


def test_switches() -> None:
    header = (ROOT / "libbnn" / "include" / "bnn" / "config.h").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    assert switches("\n".join(re.findall(r"#ifndef (\w+)", header))) == switches(page) - {
        "BNN_CONFIG_"
    }


def test_every_op_and_step_has_a_switch() -> None:
    header = (ROOT / "libbnn" / "include" / "bnn" / "config.h").read_text(encoding="utf-8")
    for table, family in (("ops.def", "OP"), ("steps.def", "STEP")):
        text = (ROOT / "libbnn" / "src" / table).read_text(encoding="utf-8")
        names = re.findall(r"^BNN_\w+\(\d+, (\w+)", text, re.MULTILINE)
        assert names
        assert set(re.findall(rf"#ifndef BNN_CONFIG_{family}_(\w+)", header)) == set(names)


def test_main_is_short() -> None:
    text = (ROOT / "examples" / "firmware" / "main.c").read_text(encoding="utf-8")
    assert text.count("\n") < 60

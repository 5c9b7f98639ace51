# SPDX-License-Identifier: BSD-3-Clause
"""docs/conversion.md: its example runs, its tables name what there is, its patterns are those of the passes."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from ci import patterns
from converter.__main__ import main
from converter.options import convert_parser, explain_parser
from converter.report import Report, Row

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "conversion.md").read_text(encoding="utf-8")


def first_cells(title: str) -> list[str]:
    """The names in the first column of the table with this heading."""
    _, _, table = PAGE.partition(f"| {title} | holds |\n|---|---|\n")
    rows = table.partition("\n\n")[0].splitlines()
    return [name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[1])]


def test_fields_of_the_report() -> None:
    assert first_cells("field of a layer") == [field.name for field in fields(Row)]
    assert first_cells("field of the totals") == list(Report().totals())
    for name in Report().to_dict():
        assert f"`{name}`" in PAGE


def test_options() -> None:
    for parser in (convert_parser(), explain_parser()):
        for action in parser._actions:
            if "--help" not in action.option_strings:
                assert not action.option_strings or any(
                    re.search(rf"`{option}\b", PAGE) for option in action.option_strings
                ), action.option_strings


def test_example(tmp_path: Path) -> None:
    """The example exports a model whose layers become binary as it says, in every mode that gives the model's results."""
    pytest.importorskip("torch", reason="the example needs torch")
    pytest.importorskip("onnxruntime")
    found = re.search(r"<!-- example: torch -->\n```python\n(.*?)```", PAGE, re.S)
    assert found is not None
    subprocess.run([sys.executable, "-W", "ignore", "-c", found[1]], cwd=tmp_path, check=True)
    report = tmp_path / "r.json"
    for mode in ("--moderate", "--aggressive"):
        argv = [str(tmp_path / "model.onnx"), mode, "--verify", "2", "--report", str(report)]
        assert main(argv) == 0
        kinds = re.findall(r'"kind": "([\w-]+)"', report.read_text(encoding="utf-8"))
        assert kinds == ["float", "binary", "binary", "float"]


# -- patterns ------------------------------------------------------------------------------------
def test_patterns_are_current() -> None:
    assert patterns.renewed(PAGE) == PAGE
    assert PAGE.count("| signs.py |") == 1


def test_rows_of_a_docstring() -> None:
    doc = "Title.\n\n    a -> b     c -> d      x | y\n    e -> f   g\n\nnot -> a pattern    here\n"
    assert list(patterns.rows("x.py", doc)) == [
        "| Title | `a -> b` | `c -> d` (x \\| y) | x.py |",
        "|  | `e -> f` | `g` | x.py |",
    ]


def test_pattern_without_a_result() -> None:
    with pytest.raises(ValueError, match=r"passes/x\.py: a pattern needs a column .*: a -> b"):
        list(patterns.rows("x.py", "Title.\n\n    a -> b\n"))


def test_page_without_marks() -> None:
    with pytest.raises(ValueError, match="lacks the marks"):
        patterns.renewed("text")


def test_stale_page_is_said_and_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "conversion.md"
    page.write_text(PAGE.replace("| signs.py |", "| x |"), encoding="utf-8")
    monkeypatch.setattr(patterns, "PAGE", page)
    assert not patterns.check(fix=False)
    assert "run python -m ci.patterns --fix" in capsys.readouterr().out
    assert patterns.check(fix=True)
    assert page.read_text(encoding="utf-8") == PAGE
    assert patterns.check(fix=False)

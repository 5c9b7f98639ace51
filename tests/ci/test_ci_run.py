# SPDX-License-Identifier: BSD-3-Clause
"""`.ci/run` runs the README's line and nothing else, and its exit code tells the truth."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ci.paths import ROOT

CLOSING = "==== 3 passed, 1 skipped in 0.12s ===="


def run(folder: Path, readme: str) -> subprocess.CompletedProcess[str]:
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci")
    (folder / "README.md").write_text(readme, encoding="utf-8")
    return subprocess.run(
        [folder / ".ci" / "run"], cwd=folder.parent, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs bash")
@pytest.mark.parametrize(
    ("readme", "code", "end"),
    [
        (f"<!-- test -->\n```sh\npython3 -c 'print(\"{CLOSING}\")'\n```\n", 0, CLOSING),
        (
            f"<!-- test -->\n```sh\npython3 -c 'print(\"{CLOSING}\"); raise SystemExit(3)'\n```\n",
            3,
            CLOSING,
        ),
        ("<!-- test -->\n```sh\npython3 -c 'pass'\n```\n", 1, "no pytest run ended"),
        ("<!-- demo -->\n```sh\npython3 -c 'pass'\n```\n", 1, ""),
    ],
    ids=["passed", "failed", "ran no tests", "no line"],
)
def test_exit_code_and_last_line(readme: str, code: int, end: str, tmp_path: Path) -> None:
    result = run(tmp_path, readme)
    assert result.returncode == code, result.stderr
    assert result.stdout.strip().rpartition("\n")[2] == end


def test_line_is_the_readme_s() -> None:
    """The README's line runs the session that runs everything."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    line = text.partition("<!-- test -->\n```sh\n")[2].partition("\n```")[0]
    assert line.startswith("python3 ")
    assert line.endswith("nox -s ci")

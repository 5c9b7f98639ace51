# SPDX-License-Identifier: BSD-3-Clause
"""`nox -s analyze` sees what it is there to see. That all C is clean is the session's own business."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.analyze import tools
from ci.analyze.finding import Deviation, Finding, ToolError, left, misra_rules, parse
from ci.analyze.views import VIEWS, View
from ci.paths import ROOT

#: rule of MISRA -> a breach
BREACHES = {
    "15.1": "int bnn_f(int a) { if (a) { goto end; } a++; end: return a; }",
    "15.4": "void bnn_f(int *a) { for (int i = 0; i < 9; i++) { if (a[i] == 1) { break; } if (a[i] == 2) { break; } } }",
    "15.6": "int bnn_f(int a) { if (a > 1) return 1; return 0; }",
    "17.1": "#include <stdarg.h>\nvoid bnn_f(int a, ...) { va_list list; va_start(list, a); va_end(list); }",
    "17.2": "int bnn_f(int a) { return a > 0 ? bnn_f(a - 1) : 0; }",
    "18.7": "struct s { int n; int a[]; };\nint bnn_f(const struct s *s) { return s->a[0]; }",
    "18.8": "int bnn_f(int n) { int a[n]; a[0] = n; return a[0]; }",
    "21.3": "#include <stdlib.h>\nvoid *bnn_f(void) { return malloc(4); }",
    "21.4": "#include <setjmp.h>\nint bnn_f(void) { return 0; }",
    "21.5": "#include <signal.h>\nint bnn_f(void) { return 0; }",
    "21.6": '#include <stdio.h>\nint bnn_f(void) { return printf("%d", 1); }',
    "21.8": "#include <stdlib.h>\nvoid bnn_f(void) { abort(); }",
    "21.10": "#include <time.h>\nint bnn_f(void) { return 0; }",
}
#: check of clang-tidy -> what it is to find
DEFECTS = {
    "bugprone-implicit-widening-of-multiplication-result": "unsigned long long bnn_f(unsigned a, unsigned b) { return a * b; }",
    "misc-no-recursion": BREACHES["17.2"],
    "clang-diagnostic-vla": BREACHES["18.8"],
    "clang-analyzer-core.DivideZero": "int bnn_f(int a) { return a == 0 ? 1 / a : a; }",
    "bugprone-infinite-loop": "int bnn_f(int a) { int i = 0; while (i < a) { } return i; }",
}


def plant(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.c"
    path.write_text(f"{text}\n", encoding="utf-8")
    return path


def native() -> View:
    return VIEWS[0]


def test_misra_rules(tmp_path: Path) -> None:
    paths = [plant(tmp_path, rule, text) for rule, text in BREACHES.items()]
    found = tools.run_all([tools.cppcheck_command(native(), paths, misra=True)], "cppcheck")
    seen = {(Path(finding.path).stem, finding.check) for finding in found}
    assert {(rule, f"misra-c2012-{rule}") for rule in BREACHES} <= seen
    assert set(BREACHES) == set(misra_rules()), "every chosen rule has a breach here"


def test_clang_tidy(tmp_path: Path) -> None:
    commands = [
        tools.clang_tidy_command(native(), plant(tmp_path, check, text))
        for check, text in DEFECTS.items()
    ]
    found = tools.run_all(commands, "clang-tidy")
    assert {(check, check) for check in DEFECTS} <= {(Path(f.path).stem, f.check) for f in found}


def test_gcc(tmp_path: Path) -> None:
    try:
        tools.gcc_version()
    except ToolError as error:
        pytest.skip(str(error))
    text = "#include <stdlib.h>\nvoid bnn_f(void *p) { free(p); free(p); }"
    path = plant(tmp_path, "twice", text)
    found = tools.run_all([tools.gcc_command(path)], "gcc")
    assert "-Wanalyzer-double-free" in {finding.check for finding in found}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("while (a) {\n", [1]),
        ("for (;;) {\n", [1]),
        ("    do {\n    } while (a);\n", [1, 2]),
        ("for (; i < n; i++) {\n", []),
        ("while (a) { /* at most n times */\n", []),
        ("/* At the end, at most. */\nwhile (a) {\n", []),
        ("    do {   \\\n    } while (0)\n", []),
    ],
)
def test_loops(text: str, lines: list[int]) -> None:
    assert list(tools.uncounted_loops(text)) == lines


def test_deviations() -> None:
    path = "libbnn/src/arena.c"
    line = (ROOT / path).read_text(encoding="utf-8").splitlines().index('#include "arena.h"') + 1
    text = f"{path}:{line}:7: warning: some words [CWE-1] [-Wcheck]\nnoise\n"
    assert list(parse("gcc", text)) == [Finding("gcc", path, line, "-Wcheck", "some words")]
    judged = Deviation("gcc", "-Wcheck", "libbnn/src/*.c", "why", '"arena.h"')
    other = Deviation("gcc", "-Wcheck", "libbnn/src/*.c", "why", "another line")
    assert left(parse("gcc", text), [judged, other]) == []
    assert (judged.uses, other.uses) == (1, 0)
    assert [finding.line for finding in left(parse("gcc", text), [other])] == [line]

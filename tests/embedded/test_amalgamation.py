# SPDX-License-Identifier: BSD-3-Clause
"""bnn.c and bnn.h: two files that compile everywhere without a warning, and compute what the library computes."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import pytest

from ci import amalgamate, freestanding, toolchain
from ci.paths import ROOT
from embedded import COMPILERS, WARNINGS, compiler, run
from examples.digits.demo import convert
from pylibbnn import Model

PROGRAM = """
#include "bnn.h"
#include <stdio.h>
#include <string.h>
static _Alignas(BNN_ALIGNMENT) unsigned char file[1 << 16], arena[1 << 18];
int main(int argc, char **argv)
{
    FILE *stream = argc == 2 ? fopen(argv[1], "rb") : NULL;
    size_t size = stream == NULL ? 0 : fread(file, 1, sizeof file, stream), input, output;
    bnn_model model;
    bnn_plan *plan;
    bnn_tensor tensor;
    if (bnn_model_init(&model, file, size, NULL) || bnn_plan_init(&plan, &model, NULL, arena, sizeof arena, NULL)) return 1;
    if (bnn_model_input(&model, 0, &tensor)) return 2;
    input = tensor.bytes;
    if (bnn_model_output(&model, 0, &tensor)) return 3;
    output = tensor.bytes;
    while (fread(bnn_plan_input(plan, 0), 1, input, stdin) == input) {
        bnn_run(plan);
        fwrite(bnn_plan_output(plan, 0), 1, output, stdout);
    }
    return 0;
}
"""
HEADER_ONLY = """
#include "bnn.h"
const char *name() { return bnn_strerror(BNN_OK); }
"""


@pytest.mark.long
@pytest.mark.parametrize("name", COMPILERS)
def test_one_translation_unit(name: str, amalgamation: Path, tmp_path: Path) -> None:
    options = ["-std=c11", "-O1", *WARNINGS, "-fno-pie", "-ffreestanding"]
    options += ["-DBNN_CONFIG_FREESTANDING=1"]
    run([*compiler(name), *options, "-c", amalgamation / "bnn.c", "-o", tmp_path / "bnn.o"])
    assert freestanding.problems(tmp_path / "bnn.o") == []


def test_nothing_else_is_included(amalgamation: Path) -> None:
    included = amalgamate.INCLUDE.findall((amalgamation / "bnn.c").read_text(encoding="utf-8"))
    assert included == ["bnn.h"]
    assert amalgamate.INCLUDE.findall((amalgamation / "bnn.h").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", ["g++", "clang++"])
def test_header_in_cpp(name: str, amalgamation: Path, tmp_path: Path) -> None:
    (tmp_path / "user.cpp").write_text(HEADER_ONLY, encoding="utf-8")
    zig = [str(toolchain.zig()), "c++", "-target", "x86_64-linux-musl"]
    command = zig if name == "clang++" else compiler(name)
    options = ["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{amalgamation}", "-c"]
    run([*command, *options, tmp_path / "user.cpp", "-o", tmp_path / "user.o"])


def test_digits(amalgamation: Path, bnn_object: Path, tmp_path: Path) -> None:
    """The same bits as the library's, by the compiler's default dialect."""
    model = convert(tmp_path)
    (tmp_path / "main.c").write_text(PROGRAM, encoding="utf-8")
    command = [*toolchain.native_cc(), f"-I{amalgamation}", str(tmp_path / "main.c")]
    run([*command, bnn_object, "-o", tmp_path / "digits"])
    images = np.load(ROOT / "examples" / "digits" / "test.npz")["x"]
    got = run([tmp_path / "digits", model], images.tobytes())
    assert got == Model(model, "c").run(images).tobytes()


def test_source_is_the_same_every_time(amalgamation: Path) -> None:
    assert (amalgamation / "bnn.c").read_text(encoding="utf-8") == amalgamate.library()
    assert str(ROOT) not in amalgamate.library() + amalgamate.header()


def test_products_are_not_fused(amalgamation: Path, tmp_path: Path) -> None:
    """gcc fuses them unless it is told not to; a build without the pragma shows that this test would see it."""
    if platform.machine() != "x86_64":
        pytest.skip("looks for fused multiply-adds of x86-64")
    found = {}
    for name, code in (("as it is", amalgamate.SETTINGS), ("without", "")):
        source = tmp_path / "user.c"
        source.write_text(code + "float f(float a, float b) { return a * b + b; }\n", "utf-8")
        options = ["-std=gnu11", "-O2", "-mfma", f"-I{amalgamation}", "-S", "-o", "-"]
        found[name] = run([*compiler("gcc"), *options, source]).count(b"\tvfmadd")
    assert found == {"as it is": 0, "without": 1}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("-ffast-math", "compile it without -ffast-math"),
        ("-mfpmath=387", "compile it with -msse2 -mfpmath=sse"),
    ],
)
def test_other_arithmetic_is_refused(option: str, said: str, amalgamation: Path) -> None:
    if platform.machine() != "x86_64":
        pytest.skip("the options are those of x86-64")
    command = [*compiler("gcc"), option, "-fsyntax-only", str(amalgamation / "bnn.c")]
    with pytest.raises(AssertionError, match=said):
        run(command)


def test_names_that_clash_are_told_apart() -> None:
    code = "static int f(int x);\nstruct s {\n    int g;\n};\nenum { A = 0, B };\nint not_static(void);\n"
    assert amalgamate.file_scope(code) == {"f", "s", "A", "B"}
    renamed = amalgamate.rename("f(a.f, b->f, \"f\", 'f', ff); /* f */", {"f": "x_f"})
    assert renamed == "x_f(a.f, b->f, \"f\", 'f', ff); /* f */"

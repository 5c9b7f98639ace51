# SPDX-License-Identifier: BSD-3-Clause
"""Mistakes of a firmware's author are refused, by the compiler or with a status that says what to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ci import toolchain
from ci.paths import ROOT
from embedded import run
from examples.digits.demo import convert

# Every check prints one line: its status, the error's status, index and sentence.
PROGRAM = """
#include "bnn.h"
#include <stdio.h>
static _Alignas(BNN_ALIGNMENT) unsigned char file[1 << 16], arena[1 << 18];
static bnn_error error;
static void tell(bnn_status status)
{
    printf("%d %d %u %s\\n", status, error.status, error.index, error.what == NULL ? "" : error.what);
    error = (bnn_error){.status = BNN_OK};
}
int main(int argc, char **argv)
{
    FILE *stream = argc == 2 ? fopen(argv[1], "rb") : NULL;
    size_t size = stream == NULL ? 0 : fread(file, 1, sizeof file - 1, stream), needed;
    bnn_model model;
    bnn_plan *plan;
    float x[64] = {0}, y[10];
    for (size_t i = size; i-- > 0;) file[i + 1] = file[i];
    tell(bnn_model_init(&model, file + 1, size, &error));
    for (size_t i = 0; i < size; i++) file[i] = file[i + 1];
    file[11]++;
    tell(bnn_model_init(&model, file, size, &error));
    file[11]--;
    tell(bnn_model_init(&model, file, size - 1, &error));
    tell(bnn_model_init(&model, file, size, &error));
    tell(bnn_plan_size(&model, NULL, &needed, &error));
    printf("%zu\\n", needed);
    tell(bnn_plan_init(&plan, &model, NULL, arena + 4, needed, &error));
    tell(bnn_plan_init(&plan, &model, NULL, arena, needed - 1, &error));
    tell(bnn_plan_init(&plan, &model, NULL, arena, needed, &error));
    tell(bnn_plan_set_input(plan, 0, x, sizeof x - 1));
    tell(bnn_plan_set_input(plan, 1, x, sizeof x));
    tell(bnn_plan_get_output(plan, 0, y, sizeof y + 4));
    tell(bnn_plan_get_output(plan, 1, y, sizeof y));
    tell(bnn_plan_set_input(plan, 0, x, sizeof x));
    bnn_run(plan);
    tell(bnn_plan_get_output(plan, 0, y, sizeof y));
    const float *out = bnn_plan_output(plan, 0);
    printf("%d\\n", y[0] == out[0] && y[9] == out[9] && out[0] != 0);
    return 0;
}
"""
OK, ARGUMENT, ALIGNMENT, TRUNCATED, VERSION, ARENA, SIZE = 0, -1, -2, -3, -5, -9, -11


def test_statuses(amalgamation: Path, bnn_object: Path, tmp_path: Path) -> None:
    model = convert(tmp_path)
    (tmp_path / "main.c").write_text(PROGRAM, encoding="utf-8")
    program = tmp_path / "program"
    command = [*toolchain.native_cc(), f"-I{amalgamation}", str(tmp_path / "main.c")]
    run([*command, bnn_object, "-o", program])
    lines = run([program, model]).decode().splitlines()
    needed = int(lines[5])
    assert lines[0].startswith(f"{ALIGNMENT} {ALIGNMENT} 0 the model bytes must be aligned to 64")
    assert "newer than this library; convert again" in lines[1]
    assert lines[1].startswith(f"{VERSION} {VERSION} ")
    assert lines[2].startswith(f"{TRUNCATED} {TRUNCATED} ")
    assert lines[3:5] == ["0 0 0 "] * 2
    assert lines[6].startswith(f"{ALIGNMENT} {ALIGNMENT} 0 the arena must be aligned to 64 bytes")
    assert lines[7].startswith(f"{ARENA} {ARENA} {needed} the arena is smaller than")
    assert lines[8] == "0 0 0 "
    statuses = [int(line.split()[0]) for line in lines[9:15]]
    assert statuses == [SIZE, ARGUMENT, SIZE, ARGUMENT, OK, OK]
    assert lines[15] == "1"


@pytest.mark.parametrize("triple", ["powerpc-freestanding", "mips-freestanding-eabi"])
@pytest.mark.parametrize("form", ["files", "amalgamation"])
def test_big_endian_is_refused(triple: str, form: str, amalgamation: Path) -> None:
    files = [ROOT / "libbnn" / "src" / "dispatch.c", amalgamation / "bnn.c"]
    includes = [f"-I{ROOT / 'libbnn' / part}" for part in ("include", "src")]
    command = [*toolchain.zig_cc(triple), "-std=c11", "-ffreestanding", "-fsyntax-only"]
    command += ["-DBNN_CONFIG_FREESTANDING=1", *(includes if form == "files" else [])]
    result = subprocess.run(
        [*command, str(files[form == "amalgamation"])],
        env=toolchain.zig_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "libbnn needs a little-endian target: .dab models are used in place" in result.stderr

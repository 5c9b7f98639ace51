# SPDX-License-Identifier: BSD-3-Clause
"""What the README shows works: its examples compile and run, its commands are those that CI uses."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ci import toolchain
from ci.qemu.targets import find
from pylibbnn import Model

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TINY = ROOT / "tests" / "binding" / "data" / "tiny.dab"

# Gives the C example its model, input and output: model.dab and in.bin beside the program, out.bin written there.
HARNESS = """
#include <stdio.h>
_Alignas(64) const unsigned char model_dab[] = {
#include "model.inc"
};
const size_t model_size = sizeof model_dab;
const float *classify(const float *image, size_t bytes);
int main(void)
{
    static float in[INPUTS];
    FILE *file = fopen("in.bin", "rb");
    if (file == NULL || fread(in, sizeof *in, INPUTS, file) != INPUTS) return 10;
    fclose(file);
    const float *out = classify(in, sizeof in);
    if (out == NULL) return 11;
    file = fopen("out.bin", "wb");
    if (file == NULL || fwrite(out, sizeof *out, OUTPUTS, file) != OUTPUTS) return 12;
    return fclose(file);
}
"""


def example(language: str) -> str:
    """Return the code block behind the marker comment."""
    found = re.search(rf"<!-- example: {language} -->\n```\w+\n(.*?)```", README, re.S)
    assert found is not None
    return found[1]


def test_python_example(tmp_path: Path) -> None:
    shutil.copy(TINY, tmp_path / "model.dab")
    code = example("python")
    assert len([line for line in code.splitlines() if line]) <= 5
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    model = Model(TINY)
    expected = model.run(np.zeros(model.inputs[0].shape, np.float32))
    assert result.stdout.strip() == str(expected)


def test_c_example(tmp_path: Path) -> None:
    """The example compiles without a warning, and computes what the binding does."""
    assert len([line for line in example("c").splitlines() if line]) <= 15
    model = Model(TINY)
    x = np.random.default_rng(1).standard_normal(model.inputs[0].shape).astype(np.float32)
    x.tofile(tmp_path / "in.bin")
    (tmp_path / "example.c").write_text(example("c"), encoding="utf-8")
    (tmp_path / "main.c").write_text(HARNESS, encoding="utf-8")
    (tmp_path / "model.inc").write_text(",".join(map(str, TINY.read_bytes())), encoding="utf-8")
    flags = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-O1"]
    sizes = [f"-DINPUTS={x.size}", f"-DOUTPUTS={int(np.prod(model.outputs[0].shape))}"]
    include = f"-I{ROOT / 'libbnn' / 'include'}"
    library = find("native").build / "cmake" / "libbnn" / "libbnn.a"
    files = ["example.c", "main.c", str(library), "-o", "example"]
    command = [*toolchain.native_cc(), *flags, *sizes, include, *files]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "example"], cwd=tmp_path, check=True)
    scores = np.fromfile(tmp_path / "out.bin", np.float32)
    np.testing.assert_array_equal(scores, model.run(x).reshape(-1))


@pytest.mark.parametrize("marker", ["demo", "test"])
def test_set_up_lines(marker: str) -> None:
    """Each set-up block is one line that needs nothing but Python."""
    found = re.search(rf"<!-- {marker} -->\n```sh\n(.*)\n```", README)
    assert found is not None
    assert found[1].startswith(
        "python3 -m venv .venv && .venv/bin/pip install -q nox && .venv/bin/nox -s "
    )


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_files_that_pages_name(page: str) -> None:
    """Files in back-ticks exist, but for those called x, which a reader would add, and those that a command writes."""
    text = (ROOT / page).read_text(encoding="utf-8")
    command = ["git", "ls-files"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [f"/{name}" for name in names.splitlines()]
    for named in re.findall(r"`([\w./-]+\.(?:c|h|py|md|S|inc|def|toml))`", text):
        if not re.fullmatch(r"(.*/)?((test_)?x|NAME\w*|bnn|\w+_config)\.\w+", named):
            assert any(name.endswith(f"/{named}") for name in files), named

# SPDX-License-Identifier: BSD-3-Clause
"""`--emit c`: source that compiles without a warning, computes what the library computes, and survives any names."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import targets
from ci import flash, toolchain
from ci.paths import ROOT
from ci.qemu.targets import find
from converter import __main__ as cli
from converter import dab, emit_c
from converter.dab_model import Kind, Type
from converter.emit_c import C_TYPES, names
from converter.lowering.builder import Builder
from embedded import WARNINGS, compiler, run
from examples.digits import demo
from pylibbnn import Model
from targets import Target

DIGITS = ROOT / "examples" / "digits"
MODELS = [
    *sorted((ROOT / "tests" / "format").glob("*.dab")),
    *sorted((ROOT / "tests" / "binding" / "data").glob("*.dab")),
]
INCLUDE = ROOT / "libbnn" / "include"
PROGRAM = """
#include "{name}.h"
#include <stdio.h>
static _Alignas({upper}_ALIGNMENT) uint8_t arena[1 << 20];
{arrays}
int main(void)
{{
    bnn_plan *plan;
    if ({name}_arena_bytes() > sizeof arena || {name}_init(&plan, arena, {name}_arena_bytes(), NULL)) return 1;
    while ({reads}) {{
        {name}_run(plan, {arguments});
        {writes}
    }}
    return 0;
}}
"""
STATIC = """
#include "{name}.h"
int main(void)
{{
    static _Alignas({upper}_ALIGNMENT) uint8_t small[{upper}_ARENA_BYTES];
    bnn_error error;
    bnn_plan *plan;
    if ({name}_arena_bytes() > {upper}_ARENA_BYTES) return 1;
    if ({name}_init_static(&plan, &error)) return 2;
    if ({name}_init(&plan, small + 1, sizeof small - 1, &error) != BNN_ERR_ALIGNMENT) return 3;
    return 0;
}}
"""
#: Names that would end a comment, begin one, make a trigraph, continue a line, are words or macros, or no names at all.
HOSTILE = [
    "*/ int x; /*", "??/\n#error", "a\\", "int", "plan", "NULL", "EOF", "errno", "", "é", "\n", "linux", "__x", "9", "in",
    "in_", "}}", "a.b", "a/b", "a" * 99, "a" * 98, "%s{0}", "/*//", "BNN_OK", "model_run", "class", "\U0001f600",
    "stdin", "and", "copy", "arena", "compute", "bnn_run", "bnn_memcpy", "float_t", "size_t", "op_0", "table_0", "kernels",
]  # fmt: skip


def stem(path: Path) -> str:
    return path.stem


def write(folder: Path, files: dict[str, bytes]) -> list[Path]:
    for name, text in files.items():
        (folder / name).write_bytes(text)
    return [folder / name for name in files if name.endswith(".c")]


def program(name: str, data: bytes) -> str:
    """A program that runs the model on what comes in, until nothing comes."""
    model = dab.read(data)
    tensors = [model.tensors[index] for index in [*model.inputs, *model.outputs]]
    arrays = [
        f"static {C_TYPES[t.type]} t{i}{''.join(f'[{d}]' for d in t.dims)};"
        for i, t in enumerate(tensors)
    ]
    number = len(model.inputs)
    return PROGRAM.format(
        name=name,
        upper=name.upper(),
        arrays="\n".join(arrays),
        arguments=", ".join(f"t{i}" for i in range(len(tensors))),
        reads=" && ".join(f"fread(t{i}, sizeof t{i}, 1, stdin) == 1" for i in range(number)),
        writes=" ".join(
            f"fwrite(t{i}, sizeof t{i}, 1, stdout);" for i in range(number, len(tensors))
        ),
    )


def answers(model: targets.Model) -> tuple[bytes, bytes]:
    """Three samples one after another, and what the library says to them."""
    rng = np.random.default_rng(0)
    given, taken = b"", b""
    for _ in range(3):
        arrays = [(rng.standard_normal(t.shape) * 4).astype(t.dtype) for t in model.inputs]
        given += b"".join(array.tobytes() for array in arrays)
        taken += b"".join(array.tobytes() for array in model.run(arrays))
    return given, taken


@pytest.mark.one_cpu
@pytest.mark.parametrize("path", MODELS, ids=stem)
def test_same_bits_as_the_library(target: Target, path: Path, tmp_path: Path) -> None:
    """Compiled for the target with its library; sums of float convolutions are the library's own, too."""
    data = path.read_bytes()
    sources = write(tmp_path, emit_c.emit(data, "net"))
    (tmp_path / "main.c").write_text(program("net", data), encoding="utf-8")
    found = find(target.name)
    compiler = toolchain.zig_cc(found.zig, found.options) if found.zig else toolchain.native_cc()
    library = found.build / "cmake" / "libbnn" / "libbnn.a"
    command = [*compiler, "-Wall", "-Wextra", "-Werror", f"-I{INCLUDE}", str(tmp_path / "main.c")]
    run([*command, *sources, library, "-o", tmp_path / "program"])
    given, want = answers(target.load(data))
    assert run([*target.machine.probe.command[:-2], tmp_path / "program"], given) == want


def test_two_models_and_the_amalgamation(
    amalgamation: Path, bnn_object: Path, tmp_path: Path
) -> None:
    """Without a warning, in memory of their own, in one program; in C++, too."""
    sources = []
    for name in ("digits", "Other_1"):
        sources += write(tmp_path, emit_c.emit(MODELS[0].read_bytes(), name))
        text = STATIC.format(name=name, upper=name.upper()).replace("main", f"test_{name}")
        (tmp_path / f"test_{name}.c").write_text(text, encoding="utf-8")
        (tmp_path / f"{name}.cpp").write_text(f'#include "{name}.h"\n', encoding="utf-8")
        sources.append(tmp_path / f"test_{name}.c")
    (tmp_path / "main.c").write_text(
        "int test_digits(void);\nint test_Other_1(void);\n"
        "int main(void) { return test_digits() * 10 + test_Other_1(); }\n",
        encoding="utf-8",
    )
    command = [*toolchain.native_cc(), "-std=c11", *WARNINGS, f"-I{amalgamation}"]
    run([*command, *sources, tmp_path / "main.c", bnn_object, "-o", tmp_path / "program"])
    run([tmp_path / "program"])
    cpp = [*compiler("g++"), "-std=c++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    run([*cpp, f"-I{amalgamation}", tmp_path / "digits.cpp", tmp_path / "Other_1.cpp"])


@pytest.mark.one_cpu
@pytest.mark.parametrize("path", [p for p in MODELS if p.stem in ("all_ops", "int8")], ids=stem)
def test_library_with_what_the_model_needs(
    target: Target, path: Path, amalgamation: Path, tmp_path: Path
) -> None:
    """Compiled with the model's own switches it gives the same bits."""
    data = path.read_bytes()
    sources = write(tmp_path, emit_c.emit(data, "net"))
    (tmp_path / "main.c").write_text(program("net", data), encoding="utf-8")
    command = [*toolchain.native_cc(), "-std=c11", "-O1", *WARNINGS[:-3], f"-I{amalgamation}"]
    switches = [f"-I{tmp_path}", '-DBNN_CONFIG_FILE="net_config.h"']
    files = [*sources, tmp_path / "main.c", amalgamation / "bnn.c"]
    run([*command, *switches, *files, "-o", tmp_path / "program"])
    given, want = answers(target.load(data, "c"))
    assert run([tmp_path / "program"], given) == want


CLASSIFY = """
#include <stdio.h>
#include "digits.h"
int start(bnn_error *error);
int classify(const float image[1][1][8][8]);
int main(void)
{
    bnn_error error;
    float image[1][1][8][8];
    if (!start(&error)) return 1;
    while (fread(image, sizeof image, 1, stdin) == 1) putchar(classify((const float(*)[1][8][8])image));
    return 0;
}
"""


def test_example_of_the_document(bnn_object: Path, amalgamation: Path, tmp_path: Path) -> None:
    """docs/embedding.md's program compiles, and says what the library says."""
    page = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    example = page.split("<!-- example: c export -->\n```c\n")[1].split("```")[0]
    data = demo.convert(tmp_path)
    sources = write(tmp_path, emit_c.emit(data.read_bytes(), "digits"))
    (tmp_path / "example.c").write_text(example, encoding="utf-8")
    (tmp_path / "main.c").write_text(CLASSIFY, encoding="utf-8")
    command = [*toolchain.native_cc(), "-std=c11", *WARNINGS, f"-I{amalgamation}"]
    files = [*sources, tmp_path / "example.c", tmp_path / "main.c", bnn_object]
    run([*command, *files, "-o", tmp_path / "program"])
    images = np.load(DIGITS / "test.npz")["x"]
    got = np.frombuffer(run([tmp_path / "program"], images.tobytes()), np.uint8)
    np.testing.assert_array_equal(got, Model(data, "c").run(images).argmax(1))


@pytest.mark.long
def test_flash(tmp_path: Path) -> None:
    """The switches of the digits network leave out most of the library, calls all but 12 KiB; its plan is then among them."""
    plain, calls = tmp_path / "plain", tmp_path / "calls"
    flash.export(DIGITS / "digits.onnx", plain)
    flash.export(DIGITS / "digits.onnx", calls, *flash.UNROLLED)
    everything, needed, called = (
        flash.code_bytes(flash.image(folder, "Cortex-M4", *options), folder)
        for folder, options in ((plain, ()), (plain, (flash.SWITCHES,)), (calls, (flash.SWITCHES,)))
    )
    assert needed < 0.6 * everything
    assert called - flash.plan_bytes(calls, "Cortex-M4") <= 12 * 1024


def hostile_model() -> bytes:
    """A model all of whose names are hostile."""
    builder = Builder({"source": HOSTILE[0]})
    x = [builder.activation(Type.F32, (1, 2), name) for name in HOSTILE]
    builder.inputs += x
    for i, name in enumerate(HOSTILE):
        builder.outputs.append(builder.activation(Type.F32, (2, 1), name))
        builder.op(Kind.RESHAPE, [x[i]], [builder.outputs[-1]], name=name)
    return dab.write(builder.finish())


def test_hostile_names(bnn_object: Path, amalgamation: Path, tmp_path: Path) -> None:
    data = hostile_model()
    sources = write(tmp_path, emit_c.emit(data, "net"))
    (tmp_path / "main.c").write_text(program("net", data), encoding="utf-8")
    command = [*toolchain.native_cc(), "-std=c11", f"-I{amalgamation}"]
    for source in sources:
        run([*command, *WARNINGS, "-fsyntax-only", source])
    run([*command, *sources, tmp_path / "main.c", bnn_object, "-o", tmp_path / "program"])
    given = np.arange(2 * len(HOSTILE), dtype=np.float32).tobytes()
    assert run([tmp_path / "program"], given) == given
    cpp = tmp_path / "user.cpp"
    cpp.write_text('#include "net.h"\n', encoding="utf-8")
    run(
        [*compiler("g++"), "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{amalgamation}", cpp]
    )


@pytest.mark.parametrize("text", [*HOSTILE, "bnn", "BNN_x", "string", "Math", "digits", "v1.2-b"])
def test_names_of_models(text: str) -> None:
    name = names.model_name(text)
    assert names.is_model_name(name)
    assert name == text or not names.is_model_name(text)


def test_parameters_are_told_apart() -> None:
    got = names.parameters([("in", "x"), ("in", "x"), ("in", "x_2"), ("out", "X"), ("out", "int")])
    assert got == ["x", "x_2", "x_2_2", "out_X", "out_int"]


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From ONNX and from the .dab file the same, in a folder that is made; nothing of this machine or day is in it."""
    onnx, one, two = DIGITS / "digits.onnx", tmp_path / "a" / "b", tmp_path / "two"
    moderate = [str(onnx), "--moderate"]
    assert cli.main([*moderate, "--emit", "c", "-o", str(one)]) == 0
    assert cli.main([*moderate, "-o", str(tmp_path / "digits.dab")]) == 0
    assert cli.main([str(tmp_path / "digits.dab"), "--emit", "c", "-o", str(two)]) == 0
    assert sorted(path.name for path in one.iterdir()) == sorted(emit_c.file_names("digits"))
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes()
        assert str(tmp_path) not in path.read_text(encoding="ascii")
    header = (one / "digits.h").read_text(encoding="ascii")
    assert (
        "void digits_run(bnn_plan *plan, const float image[1][1][8][8], float logits[1][10]);"
        in header
    )
    assert f"{one / 'digits.h'}: {len(header)} bytes" in capsys.readouterr().out
    found = re.search(r"ARENA_BYTES (\d+)", header)
    assert found
    assert int(found[1]) == Model(tmp_path / "digits.dab", "c").arena_bytes
    assert cli.main([*moderate, "--emit", "c", "--name", "net", "-o", str(two)]) == 0
    assert (two / "net_data.c").is_file()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--report", "r.json"],
            "is converted already: only -o, --name, --unroll and --small go with --emit c",
        ),
        (["-o", "file"], "is a file; --emit c writes several: give a folder"),
        (["-o", "file/x"], "the folder cannot be made"),
    ],
)
def test_wrong_use(
    options: list[str], said: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "m.dab").write_bytes(MODELS[0].read_bytes())
    assert cli.main(["m.dab", "--emit", "c", *options]) == 1
    assert said in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"file", "m.dab"}


def test_broken_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.dab").write_bytes(MODELS[0].read_bytes()[:-1])
    assert cli.main([str(tmp_path / "m.dab"), "--emit", "c"]) == 1
    assert "m.dab: the file is broken: TRUNCATED" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["9x", "int", "bnn_net", "a b", "string", ""])
def test_name_that_c_cannot_have(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["m.dab", "--emit", "c", "--name", name])
    assert caught.value.code == 2
    assert "is no name for C files" in capsys.readouterr().err

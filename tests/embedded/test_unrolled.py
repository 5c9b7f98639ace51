# SPDX-License-Identifier: BSD-3-Clause
"""`--emit c --unroll`: a model as calls with constant states computes what the library computes, on every machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from elftools.elf.elffile import ELFFile

from ci import toolchain
from ci.paths import ROOT
from ci.qemu.targets import find
from converter import __main__ as cli
from converter import dab, emit_c, library, lower, onnx_import, passes
from converter.dab_model import Kind, Step
from converter.emit_c import C_TYPES
from converter.errors import ConversionError
from embedded import COMPILERS, WARNINGS, compiler, run
from embedded.test_export import DIGITS, MODELS, hostile_model, write
from embedded.test_switches import STEPS, program_with
from examples.digits import demo
from model.cases import MAKERS, model_with_steps, random_model
from pylibbnn import CallError, Model, _lib
from targets import Target

Array = npt.NDArray[Any]
INCLUDES = [f"-I{ROOT / 'libbnn' / part}" for part in ("include", "src")]
NETWORKS = ("reactnet_a_dynamo", "binary_densenet28_legacy")
SMALL = (Kind.CONV2D, Kind.DENSE)
STRICT = [
    word for word in WARNINGS if word != "-Wpedantic"
]  # const arrays of arrays are no parameters there

PROGRAM = """
#include <stdio.h>
{parts}
int main(void)
{{
    {calls}
    return 0;
}}
"""
PART = """
#include "{name}.h"
#include "{name}_data.c"
static int run_{name}(void)
{{
    static {arrays};
    if (!({reads})) return 1;
    {name}_run({arguments});
    {writes}
    return 0;
}}
"""


@dataclass(frozen=True)
class Case:
    """A model, inputs, and how it is written."""

    data: bytes
    inputs: list[Array]
    small: bool = False


def random_inputs(data: bytes) -> list[Array]:
    model = dab.read(data)
    rng = np.random.default_rng(0)
    tensors = [model.tensors[index] for index in model.inputs]
    return [(rng.standard_normal(t.dims) * 4).astype(dab.DTYPES[t.type]) for t in tensors]


def network(name: str) -> bytes:
    graph = onnx_import.load(ROOT / "tests" / "converter" / "zoo" / f"{name}.onnx")
    passes.run(graph, "moderate")
    return lower.lower(graph, {"producer": "test"})


def cases(folder: Path, seeds: int) -> list[Case]:
    """Every op, every step, files with several inputs and outputs, real networks."""
    made = [Case(*random_model(kind, seed)) for kind in MAKERS for seed in range(seeds)]
    made += [Case(*random_model(kind, seed), True) for kind in SMALL for seed in range(seeds)]
    made += [Case(*model_with_steps(*program_with(step), seed=1)) for step in STEPS]
    files = [path.read_bytes() for path in MODELS]
    files += [demo.convert(folder).read_bytes(), hostile_model(), *map(network, NETWORKS)]
    return [*made, *(Case(data, random_inputs(data)) for data in files)]


def program(folder: Path, written: list[Case]) -> list[Path]:
    """Sources of a program that runs each model once, on what it reads."""
    sources = [folder / "main.c"]
    parts = []
    for i, case in enumerate(written):
        name = f"m{i}"
        files = emit_c.emit_unrolled(case.data, name, case.small)
        sources += [path for path in write(folder, files) if path.name == f"{name}.c"]
        model = dab.read(case.data)
        tensors = [model.tensors[index] for index in [*model.inputs, *model.outputs]]
        own = [(f"t{k}", t) for k, t in enumerate(tensors)]
        number = len(model.inputs)
        parts.append(
            PART.format(
                name=name,
                arrays=";\n    static ".join(
                    f"{C_TYPES[t.type]} {n}{''.join(f'[{d}]' for d in t.dims)}" for n, t in own
                ),
                arguments=", ".join(n for n, _ in own),
                reads=" && ".join(f"fread({n}, sizeof {n}, 1, stdin)" for n, _ in own[:number]),
                writes="\n    ".join(
                    f"fwrite({n}, sizeof {n}, 1, stdout);" for n, _ in own[number:]
                ),
            )
        )
    calls = "\n    ".join(f"if (run_m{i}()) return {i + 1};" for i in range(len(written)))
    sources[0].write_text(PROGRAM.format(parts="".join(parts), calls=calls), encoding="utf-8")
    return sources


def answer(case: Case) -> bytes:
    """What this machine's library says, with the kernels that say the same everywhere."""
    plan = _lib.NativePlan(_lib.NativeModel(case.data, "case"), "c")
    for memory, array in zip(plan.inputs, case.inputs, strict=True):
        memory[...] = array.reshape(memory.shape)
    plan.run()
    return b"".join(memory.tobytes() for memory in plan.outputs)


@pytest.mark.one_cpu
def test_same_bits_as_the_library(target: Target, tmp_path: Path) -> None:
    """All models in one program, with portable kernels; small integers sum up to the same bits by any definition."""
    written = cases(tmp_path, seeds=3 if target.name == "native" else 1)
    sources = program(tmp_path, written)
    found = find(target.name)
    compiler = toolchain.zig_cc(found.zig, found.options) if found.zig else toolchain.native_cc()
    archive = found.build / "cmake" / "libbnn" / "libbnn.a"
    command = [*compiler, "-std=c11", *STRICT, *INCLUDES, f"-I{tmp_path}"]
    run([*command, *sources, archive, "-o", tmp_path / "program"])
    given = b"".join(array.tobytes() for case in written for array in case.inputs)
    got = run([*target.machine.probe.command[:-2], tmp_path / "program"], given)
    at = 0
    for i, case in enumerate(written):
        want = answer(case)
        assert got[at : at + len(want)] == want, f"m{i}"
        at += len(want)
    assert at == len(got)


def test_only_what_is_called_is_linked(
    amalgamation: Path, bnn_object: Path, tmp_path: Path
) -> None:
    """With the two files: no loader, no plan, no binding, no op and no kernel that the model does not use."""
    data = demo.convert(tmp_path).read_bytes()
    sources = program(tmp_path, [Case(data, random_inputs(data))])
    command = [*toolchain.native_cc(), "-std=c11", *STRICT, f"-I{amalgamation}", f"-I{tmp_path}"]
    for name in COMPILERS:
        options = [*WARNINGS, "-std=c11", "-ffreestanding", "-DBNN_CONFIG_FREESTANDING=1"]
        run(
            [
                *compiler(name),
                *options,
                f"-I{amalgamation}",
                "-c",
                sources[1],
                "-o",
                tmp_path / "net.o",
            ]
        )
    output = tmp_path / "program"
    run([*command, *sources, bnn_object, "-Wl,--gc-sections", "-o", output])
    names = set(re.findall(r"\bbnn_\w+", run(["nm", output]).decode()))
    assert {"bnn_bconv2d_run", "bnn_bconv64_c", "bnn_pool_average_c"} <= names
    gone = (
        "bind",
        "take",
        "plan",
        "model",
        "check",
        "kernels",
        "op_",
        "softmax",
        "qconv",
        "bconv128",
    )
    assert [n for n in names if any(word in n for word in gone)] == []


def test_example_of_the_document(amalgamation: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    (tmp_path / "example.c").write_text(
        page.split("<!-- example: c calls -->\n```c\n")[1].split("```")[0]
    )
    write(tmp_path, emit_c.emit_unrolled(demo.convert(tmp_path).read_bytes(), "digits"))
    for source in ("example.c", "digits.c"):
        command = [
            *toolchain.native_cc(),
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-fsyntax-only",
        ]
        run([*command, f"-I{amalgamation}", tmp_path / source])


def test_constants_that_nothing_points_to_are_left_out(tmp_path: Path) -> None:
    data = demo.convert(tmp_path).read_bytes()
    header = emit_c.emit_unrolled(data, "net")["net.h"].decode("ascii")
    found = re.search(r"MODEL_BYTES (\d+)", header)
    assert found
    assert 32 * 1024 < int(found[1]) < len(data) - 1024
    arena = re.search(r"ARENA_BYTES (\d+)", header)
    assert arena
    assert int(arena[1]) < Model(data, "c").arena_bytes - 10000


@pytest.mark.parametrize("core", ["cortex_m0", "cortex_m4+vfp4d16sp", "cortex_m55+mve_fp"])
def test_cortex_m_has_its_own_kernels(core: str, tmp_path: Path) -> None:
    """From the source tree: the last of each slot's rows, where it has one; no other of the slot."""
    write(tmp_path, emit_c.emit_unrolled(demo.convert(tmp_path).read_bytes(), "net"))
    command = [*toolchain.zig_cc("thumb-freestanding-eabi", (f"-mcpu={core}",)), *INCLUDES]
    options = ["-std=c11", *WARNINGS, "-ffreestanding", "-DBNN_CONFIG_FREESTANDING=1"]
    run([*command, *options, "-c", tmp_path / "net.c", "-o", tmp_path / "net.o"])
    with (tmp_path / "net.o").open("rb") as stream:
        symbols = ELFFile(stream).get_section_by_name(".symtab").iter_symbols()
        names = {symbol.name for symbol in symbols}
    (tmp_path / "rows.c").write_text(
        '#include "arch.h"\n#include "cortexm/variants.def"\n', "utf-8"
    )
    rows = run([*command, *options, "-E", "-P", tmp_path / "rows.c"]).decode()
    last = dict(re.findall(r"BNN_VARIANT\((\w+), (\w+)\)", rows))
    wanted = {
        slot: isa for slot, isa in last.items() if any(f"bnn_{slot}_" in name for name in names)
    }
    isas = ("c", *set(re.findall(r"BNN_ISA\((\w+),", rows)))
    assert len(wanted) >= 4
    for slot, isa in wanted.items():
        assert names & {f"bnn_{slot}_{other}" for other in isas} == {f"bnn_{slot}_{isa}"}


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same files from the same model, wherever they are written; small ones have other calls."""
    onnx, one, two = DIGITS / "digits.onnx", tmp_path / "one", tmp_path / "two"
    command = [str(onnx), "--moderate", "--emit", "c", "--unroll"]
    assert cli.main([*command, "-o", str(one)]) == 0
    assert cli.main([*command, "-o", str(two)]) == 0
    assert sorted(p.name for p in one.iterdir()) == sorted(emit_c.file_names("digits", True))
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes()
        assert str(tmp_path) not in path.read_text(encoding="ascii")
    prototype = "void digits_run(const float image[1][1][8][8], float logits[1][10]);"
    assert prototype in (one / "digits.h").read_text(encoding="ascii")
    assert "bnn_conv_run(&op_1" in (one / "digits.c").read_text(encoding="ascii")
    assert cli.main([*command, "--small", "-o", str(two)]) == 0
    assert "bnn_direct_run(&op_1" in (two / "digits.c").read_text(encoding="ascii")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--unroll"], "--unroll needs --emit c"),
        (["--emit", "c", "--small"], "--small needs --unroll"),
    ],
)
def test_wrong_use(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["m.dab", *options])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_an_op_that_is_no_call_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data, _ = random_model(Kind.SOFTMAX, seed=1)

    def refuse(self: Model, direct: bool = False) -> None:
        raise CallError(len(model.ops) - 1, "for a test")

    model = dab.read(data)
    model.ops[-1].name = "node_7"
    monkeypatch.setattr(Model, "calls", refuse)
    with pytest.raises(
        ConversionError,
        match=r"op \d+, softmax \(node_7\): cannot be written as a call: for a test",
    ):
        library.calls(data, model, False)


def test_every_step_is_written() -> None:
    """The cases above have all of them."""
    assert set(STEPS) | {Step(0)} == set(Step)

# SPDX-License-Identifier: BSD-3-Clause
"""The switches of bnn/config.h, each in a build that uses it: what is left out is refused by name, what is left works."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from elftools.elf.elffile import ELFFile

from ci import toolchain
from ci.paths import ROOT
from converter import dab
from converter.dab_model import Kind, Step
from embedded import COMPILERS, WARNINGS, compiler, run
from examples.digits.demo import convert
from model.cases import MAKERS, model_with_steps, random_model

pytestmark = pytest.mark.long

Array = npt.NDArray[Any]
UNSUPPORTED, FORMAT, PLACE_OP = -8, -6, 3
OFF = 0

# Reads a model, fills its inputs from the standard input, runs it once and writes its outputs; or the error that it got.
PROGRAM = """
#include "bnn.h"
#include <stdio.h>
static _Alignas(BNN_ALIGNMENT) unsigned char file[1 << 20], arena[1 << 22];
int main(int argc, char **argv)
{
    FILE *stream = argc == 2 ? fopen(argv[1], "rb") : NULL;
    size_t size = stream == NULL ? 0 : fread(file, 1, sizeof file, stream);
    bnn_model model;
    bnn_plan *plan;
    bnn_tensor tensor;
    bnn_error error;
    if (bnn_model_init(&model, file, size, &error) != BNN_OK ||
        bnn_plan_init(&plan, &model, NULL, arena, sizeof arena, &error) != BNN_OK) {
        printf("%d %d %u %s", error.status, error.place, error.index, error.what);
        return 0;
    }
    for (uint32_t i = 0; bnn_model_input(&model, i, &tensor) == BNN_OK; i++) {
        if (fread(bnn_plan_input(plan, i), 1, tensor.bytes, stdin) != tensor.bytes) return 1;
    }
    bnn_run(plan);
    for (uint32_t i = 0; bnn_model_output(&model, i, &tensor) == BNN_OK; i++) {
        fwrite(bnn_plan_output(plan, i), 1, tensor.bytes, stdout);
    }
    return 0;
}
"""


def names_in(file: Path) -> set[str]:
    """Symbols of an object file or a program."""
    with file.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        return {symbol.name for symbol in table.iter_symbols()}


class Build:
    """The library with some switches, in a program."""

    def __init__(
        self, amalgamation: Path, folder: Path, switches: dict[str, int], optimise: str = "-O0"
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.program = self.folder / "program"
        (self.folder / "main.c").write_text(PROGRAM, encoding="utf-8")
        options = [f"-DBNN_CONFIG_{name}={value}" for name, value in switches.items()]
        options += ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", optimise]
        files = [amalgamation / "bnn.c", self.folder / "main.c"]
        command = [*toolchain.native_cc(), *options, f"-I{amalgamation}"]
        run([*command, *map(str, files), "-o", str(self.program)])

    def run(self, data: bytes, inputs: Iterable[Array]) -> bytes:
        """Outputs of a model, one after the other, or the error as text."""
        model = self.folder / "model.dab"
        model.write_bytes(data)
        return run([self.program, model], b"".join(array.tobytes() for array in inputs))

    def names(self) -> set[str]:
        """Names in the linked program."""
        return names_in(self.program)


@pytest.fixture(scope="module")
def whole(amalgamation: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The whole library."""
    return Build(amalgamation, tmp_path_factory.mktemp("whole"), {}, "-O1")


def needs(data: bytes) -> dict[str, int]:
    """The switches of a model's ops and steps, on."""
    ops = dab.read(data).ops
    switches = {f"OP_{op.kind.name.lower()}": 1 for op in ops}
    return switches | {f"STEP_{step.name.lower()}": 1 for op in ops for step in op.steps}


def refusal(what: str, index: int = 0) -> bytes:
    """The error that a program prints for what is not compiled in."""
    return f"{UNSUPPORTED} {PLACE_OP} {index} {what}".encode()


@pytest.mark.parametrize("kind", MAKERS, ids=lambda kind: kind.name.lower())
def test_ops_of_a_model_alone(kind: Kind, amalgamation: Path, whole: Build, tmp_path: Path) -> None:
    data, inputs = random_model(kind, seed=1)
    alone = Build(amalgamation, tmp_path, {"ALL_OPS": OFF, **needs(data)})
    assert alone.run(data, inputs) == whole.run(data, inputs)


@pytest.mark.parametrize("kept", [Kind.RESHAPE, Kind.SOFTMAX], ids=lambda kind: kind.name.lower())
def test_every_op_but_one_is_refused(
    kept: Kind, amalgamation: Path, whole: Build, tmp_path: Path
) -> None:
    """What op 0 is decides: the rest of the file is not looked at before."""
    build = Build(amalgamation, tmp_path, {"ALL_OPS": OFF, f"OP_{kept.name.lower()}": 1})
    data, inputs = random_model(kept, seed=1)
    assert build.run(data, inputs) == whole.run(data, inputs)
    tensors, at = int.from_bytes(data[20:24], "little"), 64
    for kind in set(Kind) - {kept}:
        other = bytearray(data)
        other[at + tensors * 48 : at + tensors * 48 + 2] = int(kind).to_bytes(2, "little")
        name = kind.name.lower()
        wanted = refusal(f"{name} is not compiled in: BNN_CONFIG_OP_{name}")
        assert build.run(bytes(other), inputs) == wanted


def program_with(step: Step) -> tuple[Kind, list[Step]]:
    """An op and the shortest program that has the step."""
    if step == Step.EMIT_INT:
        return Kind.BCONV2D, [step]
    if step == Step.EMIT_SIGN:
        return Kind.POINTWISE, [Step.AFFINE, step]
    return Kind.POINTWISE, [step] if step.name.startswith("EMIT") else [step, Step.EMIT_F32]


STEPS = [step for step in Step if step != 0]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name.lower())
def test_steps_of_a_model_alone(
    step: Step, amalgamation: Path, whole: Build, tmp_path: Path
) -> None:
    data, inputs = model_with_steps(*program_with(step), seed=1)
    alone = Build(amalgamation, tmp_path, {"ALL_OPS": OFF, **needs(data)})
    assert alone.run(data, inputs) == whole.run(data, inputs)


@pytest.mark.parametrize("kept", [{Step.AFFINE, Step.EMIT_BITS}, {Step.CLIP}], ids=["two", "one"])
def test_every_step_but_some_is_refused(
    kept: set[Step], amalgamation: Path, tmp_path: Path
) -> None:
    switches = {f"STEP_{step.name.lower()}": 1 for step in kept}
    build = Build(amalgamation, tmp_path, {"ALL_STEPS": OFF, **switches})
    refused = set()
    for step in STEPS:
        data, inputs = model_with_steps(*program_with(step), seed=1)
        missing = ((i, s) for i, op in enumerate(dab.read(data).ops) for s in op.steps)
        index, first = next((i, s) for i, s in missing if s not in kept)
        name = first.name.lower()
        wanted = refusal(f"step {name} is not compiled in: BNN_CONFIG_STEP_{name}", index)
        assert build.run(data, inputs) == wanted
        refused.add(first)
    assert refused >= ({Step.AFFINE, Step.EMIT_BITS} if kept == {Step.CLIP} else set(STEPS) - kept)


@pytest.fixture
def digits(tmp_path: Path) -> tuple[bytes, list[Array]]:
    """The digits network and an image."""
    images = np.load(ROOT / "examples" / "digits" / "test.npz")["x"]
    return convert(tmp_path).read_bytes(), [images[:1]]


def test_what_is_off_is_not_linked(
    amalgamation: Path, whole: Build, tmp_path: Path, digits: tuple[bytes, list[Array]]
) -> None:
    """The digits network's switches, without checks and texts: the same bits from less code."""
    data, inputs = digits
    small = {"ALL_OPS": OFF, "CHECKS": OFF, "TEXT": OFF, **needs(data)}
    build = Build(amalgamation, tmp_path, small, "-O1")
    assert build.run(data, inputs) == whole.run(*digits)
    for name in ("softmax", "qconv2d", "transpose"):
        assert f"bnn_op_{name}" in whole.names() - build.names()
    for name in ("step_function", "dot_s8", "step_mul"):
        assert f"bnn_{name}_c" in whole.names() - build.names()
    for name in ("bnn_check_tensors", "bnn_check_data", "bnn_check_overlaps", "bnn_steps_check"):
        assert name in whole.names() - build.names()
    assert {"bnn_op_bconv2d", "bnn_bconv128_c", "bnn_plan_init"} <= build.names()


def test_without_floats(amalgamation: Path, whole: Build, tmp_path: Path) -> None:
    """Binary layers stay, float layers are refused, and their kernels are gone."""
    build = Build(amalgamation, tmp_path, {"FLOAT": OFF}, "-O1")
    data, inputs = random_model(Kind.BCONV2D, seed=1)
    assert build.run(data, inputs) == whole.run(data, inputs)
    data, inputs = random_model(Kind.DENSE, seed=1)
    wanted = refusal("dense is not compiled in: BNN_CONFIG_OP_dense")
    assert build.run(data, inputs) == wanted
    for name in ("gemm_f32", "dense_f32", "depthwise_f32"):
        assert f"bnn_{name}_c" not in build.names()


@pytest.mark.parametrize("kind", [Kind.CONV2D, Kind.DENSE], ids=lambda kind: kind.name.lower())
def test_small(kind: Kind, amalgamation: Path, whole: Build, tmp_path: Path) -> None:
    """Float layers by their definition, without panels: small integers sum up to the same bits in any order."""
    build = Build(amalgamation, tmp_path, {"SMALL": 1}, "-O1")
    for seed in range(12):
        data, inputs = random_model(kind, seed)
        assert build.run(data, inputs) == whole.run(data, inputs)
    for name in ("gemm_f32", "panel_f32", "dense_f32"):
        assert f"bnn_{name}_c" in whole.names() - build.names()


@pytest.mark.parametrize("chain", [0, 1])
def test_chain(chain: int, tmp_path: Path) -> None:
    """Without the switch nothing refers to the kernels of the chain."""
    includes = [f"-I{ROOT / 'libbnn' / part}" for part in ("include", "src")]
    command = [*toolchain.zig_cc("aarch64-freestanding"), *includes, "-std=c11", "-ffreestanding"]
    command += ["-DBNN_CONFIG_FREESTANDING=1", f"-DBNN_CONFIG_CHAIN={chain}", "-c"]
    wanted: set[str] = set()
    for name in ("dispatch.c", "ops/chain.c"):
        output = tmp_path / "x.o"
        run([*command, str(ROOT / "libbnn" / "src" / name), "-o", str(output)])
        wanted |= names_in(output)
    assert ("bnn_bchain_c" in wanted) == ("bnn_bchain_neon_chain" in wanted) == bool(chain)


def test_one_isa(
    amalgamation: Path, whole: Build, tmp_path: Path, digits: tuple[bytes, list[Array]]
) -> None:
    """Every kernel once: the table is a constant. Where the choice is made at run time, the compiler refuses the switch."""
    build = Build(amalgamation, tmp_path, {"ONE_ISA": 1}, "-O1")
    assert build.run(*digits) == whole.run(*digits)
    includes = [f"-I{ROOT / 'libbnn' / part}" for part in ("include", "src")]
    command = [*toolchain.zig_cc("aarch64-freestanding"), *includes, "-std=c11", "-fsyntax-only"]
    command += ["-DBNN_CONFIG_FREESTANDING=1", "-DBNN_CONFIG_ONE_ISA=1"]
    result = subprocess.run(
        [*command, str(ROOT / "libbnn" / "src" / "dispatch.c")],
        env=toolchain.zig_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "BNN_CONFIG_ONE_ISA: this processor's kernels are chosen at run time" in result.stderr


@pytest.mark.parametrize("checks", [0, 1])
def test_without_text(checks: int, amalgamation: Path, tmp_path: Path) -> None:
    """Status, place and index stay, with checks and without."""
    switches = {"TEXT": OFF, "CHECKS": checks, "OP_softmax": OFF, "STEP_clip": OFF}
    build = Build(amalgamation, tmp_path, switches)
    data, inputs = random_model(Kind.SOFTMAX, seed=1)
    assert build.run(data, inputs) == refusal("")
    data, inputs = model_with_steps(Kind.POINTWISE, [Step.CLIP, Step.EMIT_F32], seed=1)
    assert build.run(data, inputs) == refusal("")
    assert build.run(b"\x89DAB", []).startswith(b"-3 1 0 ")


def test_without_checks(
    amalgamation: Path, whole: Build, tmp_path: Path, digits: tuple[bytes, list[Array]]
) -> None:
    """A trusted model runs; what breaks a rule behind the header is not looked at, a newer version is refused."""
    data, inputs = digits
    build = Build(amalgamation, tmp_path, {"CHECKS": OFF})
    assert build.run(data, inputs) == whole.run(*digits)
    reserved = data[:56] + b"\x01" + data[57:]
    assert whole.run(reserved, inputs).startswith(b"-6 1 0 reserved")
    assert build.run(reserved, inputs) == whole.run(*digits)
    newer = data[:10] + b"\xff\x00" + data[12:]
    assert b"newer than this library" in build.run(newer, inputs)


@pytest.mark.parametrize("name", COMPILERS)
def test_no_warnings(name: str, amalgamation: Path, tmp_path: Path) -> None:
    """The switches of examples/firmware leave nothing that a compiler complains about."""
    config = ROOT / "examples" / "firmware" / "bnn_config.h"
    options = ["-std=c11", "-O1", *WARNINGS, "-ffreestanding", "-DBNN_CONFIG_FREESTANDING=1"]
    options += [f'-DBNN_CONFIG_FILE="{config}"', f"-I{amalgamation}"]
    source = amalgamation / "bnn.c"
    run([*compiler(name), *options, "-c", source, "-o", tmp_path / "bnn.o"])

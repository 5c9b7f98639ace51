# SPDX-License-Identifier: BSD-3-Clause
"""Nothing happens at run time that a careful application does not expect. test_freestanding.py: no heap, no data, no names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ci import stack, toolchain
from ci.paths import ROOT
from ci.qemu.targets import find
from embedded import compiler, run
from model.cases import MAKERS, random_model
from targets import Target

PROGRAM = Path(__file__).with_name("exercise.c")
INCLUDES = [f"-I{ROOT / 'libbnn' / 'include' / 'bnn'}", f"-I{ROOT / 'libbnn' / 'include'}"]
DOCUMENT = ROOT / "docs" / "embedding.md"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two for every op kind."""
    folder = tmp_path_factory.mktemp("models")
    files = []
    for kind in MAKERS:
        for seed in range(2):
            files.append(folder / f"{kind.name.lower()}{seed}.dab")
            files[-1].write_bytes(random_model(kind, 1000 + seed)[0])
    return files


@pytest.mark.one_cpu
def test_every_op(target: Target, models: list[Path], tmp_path: Path) -> None:
    """Same bits every time, the arena's neighbours and the model untouched, every alignment works or is refused."""
    found = find(target.name)
    command = toolchain.zig_cc(found.zig, found.options) if found.zig else toolchain.native_cc()
    library = found.build / "cmake" / "libbnn" / "libbnn.a"
    options = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pthread", *INCLUDES]
    run([*command, *options, PROGRAM, library, "-o", tmp_path / "exercise"])
    emulator = target.machine.probe.command[:-2]
    said = run([*emulator, tmp_path / "exercise", *models])
    assert said == f"{len(models)} models\n".encode()
    assert run([*emulator, tmp_path / "exercise", "--threads", *models]) == said


@pytest.mark.long
def test_no_data_races(amalgamation: Path, models: list[Path], tmp_path: Path) -> None:
    """Models shared by threads, each with plans of its own: ThreadSanitizer has nothing to report."""
    (tmp_path / "empty.c").write_text("int main(void) { return 0; }\n", encoding="utf-8")
    gcc = [*compiler("gcc"), "-std=c11", "-O1", "-pthread", "-fsanitize=thread"]
    try:
        run([*gcc, tmp_path / "empty.c", "-o", tmp_path / "empty"])
    except AssertionError:
        pytest.skip("this gcc has no ThreadSanitizer")
    files = [PROGRAM, amalgamation / "bnn.c"]
    run([*gcc, f"-I{amalgamation}", *files, "-o", tmp_path / "exercise"])
    run([tmp_path / "exercise", "--threads", *models[::6]])


def test_no_variable_frames(amalgamation: Path) -> None:
    """Neither arrays of variable length nor alloca."""
    options = ["-std=c11", "-Wvla", "-Walloca", "-Werror", "-fsyntax-only"]
    run([*compiler("gcc"), *options, amalgamation / "bnn.c"])


@pytest.fixture(scope="module")
def graph() -> stack.Graph:
    compiler("gcc")
    return stack.calls()


def stated() -> dict[str, dict[str, int]]:
    """The table of docs/embedding.md: by function and target."""
    rows = re.findall(
        r"^\| (?:function|`(bnn_\w+)`) \|(.*)\|$", DOCUMENT.read_text("utf-8"), re.MULTILINE
    )
    columns = [cell.strip() for cell in rows[0][1].split("|")]
    return {
        name: dict(zip(columns, map(int, cells.split("|")), strict=True))
        for name, cells in rows[1:]
    }


@pytest.mark.long
@pytest.mark.parametrize("machine", stack.TARGETS)
def test_stack(graph: stack.Graph, machine: str) -> None:
    """No function takes more than is stated, nor much less."""
    sizes = stack.frames(machine)
    table = stated()
    assert set(table) == set(stack.FUNCTIONS)
    for function in stack.FUNCTIONS:
        bytes_, way = stack.deepest(graph, sizes, function)
        assert table[function][machine] / 2 < bytes_ <= table[function][machine], " -> ".join(way)


def test_recursion_is_an_error() -> None:
    graph = {"a": {"b", "c"}, "b": {"c"}, "c": set[str]()}
    sizes = {"a": 8, "b": 16, "c": 1}
    assert stack.deepest(graph, sizes, "a") == (25, ["a", "b", "c"])
    with pytest.raises(stack.StackError, match="recursion: a -> b -> a"):
        stack.deepest({**graph, "b": {"a"}}, sizes, "a")


BROKEN: dict[str, Callable[[str], str]] = {
    "writes beside its arena": lambda text: text.replace(
        "    run(s, &p, 1);\n", "    run(s, &p, 1);\n    p.arena[p.bytes] ^= 1;\n", 1
    ),
    "a second run gives other bits": lambda text: text.replace(
        "copy_outputs(s, &p, s->outputs);",
        "copy_outputs(s, &p, s->outputs);\n    s->outputs[0] ^= 1;",
        1,
    ),
    "the model's bytes change": lambda text: text.replace(
        "    require(memcmp(before", "    s->bytes[4] ^= 1;\n    require(memcmp(before", 1
    ),
}


@pytest.mark.parametrize("said", BROKEN)
def test_the_exercise_bites(
    said: str, bnn_object: Path, amalgamation: Path, models: list[Path], tmp_path: Path
) -> None:
    """A planted fault is found."""
    source = tmp_path / "planted.c"
    source.write_text(BROKEN[said](PROGRAM.read_text(encoding="utf-8")), encoding="utf-8")
    command = [*toolchain.native_cc(), "-pthread", f"-I{amalgamation}", str(source)]
    run([*command, bnn_object, "-o", tmp_path / "planted"])
    with pytest.raises(AssertionError, match=said):
        run([tmp_path / "planted", models[0]])

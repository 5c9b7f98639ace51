# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark: what counts must count exactly, and what is said about counts must follow from them."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from ci import toolchain
from ci.bench import counter, figures, loops, mix, report, sweep, unicorn_counter
from ci.bench.__main__ import BLOCK, DOCS, parse
from ci.bench.region import CountError, Region
from ci.bench.table import table
from ci.qemu import emulator
from ci.qemu.targets import find
from targets import Target

# Two regions: a loop of 100 passes and a straight line of 3 instructions; then exit(0).
PROGRAMS = {
    "aarch64": """
        .globl _start
_start: mov x0, #100
        hint #0x64
1:      subs x0, x0, #1
        eor v0.16b, v1.16b, v2.16b
        b.ne 1b
        hint #0x65
        nop
        hint #0x64
        add x1, x1, #1
        add x1, x1, #1
        add x1, x1, #1
        hint #0x65
        mov x8, #94
        svc #0
""",
    "armv7": """
        .arm
        .fpu neon
        .globl _start
_start: mov r0, #100
        .inst 0xe320f064
1:      subs r0, r0, #1
        veor q0, q1, q2
        bne 1b
        .inst 0xe320f065
        nop
        .inst 0xe320f064
        add r1, r1, #1
        add r1, r1, #1
        add r1, r1, #1
        .inst 0xe320f065
        mov r7, #248
        svc #0
""",
}


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A target and its program with known counts."""
    target = find(request.param)
    source, output = tmp_path / "loop.S", tmp_path / "loop"
    source.write_text(PROGRAMS[target.name], encoding="ascii")
    command = [*toolchain.zig_cc(target.zig, target.options), "-nostdlib", "-static"]
    toolchain.run([*command, "-o", str(output), str(source)])
    return target.name, output


def check_counts(name: str, regions: list[Region]) -> None:
    loop, line = regions
    assert sorted(loop.executions.values()) == [100, 100, 100]
    assert sorted(line.executions.values()) == [1, 1, 1]
    assert (loop.instructions, line.instructions) == (300, 3)
    machine = find(name).emulator.removeprefix("qemu-")
    assert mix.mix(machine, loop) == {"eor": 100, "scalar": 200}
    inner = loops.inner_loop(machine, loop, units=50)
    assert inner is not None
    assert inner.code == tuple(loop.code[address] for address in sorted(loop.code))
    assert inner.units == pytest.approx(0.5)
    assert loops.inner_loop(machine, line, units=1) is None


def test_plugin_counts_exactly(program: tuple[str, Path]) -> None:
    name, path = program
    if counter.how(find(name)) == "unicorn":
        pytest.skip(f"no {find(name).emulator} with plugins: python -m ci.qemu.emulator")
    check_counts(name, counter.count(find(name), "max", path, [])[1])


def test_unicorn_counts_the_same(program: tuple[str, Path]) -> None:
    name, path = program
    check_counts(name, unicorn_counter.count(find(name).emulator[5:], path, [])[1])


def command(target: Target, *arguments: str) -> list[str]:
    """bnn-bench on one machine."""
    row = find(target.name)
    prefix = [emulator.find(row.emulator) or "", "-cpu", target.cpu] if row.emulator else []
    return [*prefix, str(row.build / "bnn-bench"), *arguments]


def run(target: Target, *arguments: str, code: int = 0) -> str:
    """Return what bnn-bench prints: results, or the error."""
    result = subprocess.run(
        command(target, *arguments), capture_output=True, text=True, check=False
    )
    assert result.returncode == code, result.stderr
    return result.stdout or result.stderr


NAMES = ("3x3_64", "3x3_128", "3x3_256", "3x3_256_s2", "3x3_512", "5x5_256")


@pytest.mark.one_cpu
def test_list(target: Target) -> None:
    lines = [line.split() for line in run(target, "--list").splitlines()]
    names = {line[1] for line in lines if line[0] == "case"}
    families = ("bconv_", "bits_bconv_", "layer_bconv_")
    assert names >= {family + name for family in families for name in NAMES}
    assert names >= {"bconv_1x1_256", "bconv_1x1_512", "dense_1024", "dense_4096"}
    assert names >= {"pack_sign", "pack_threshold"}
    assert {line[1] for line in lines if line[0] == "isa"} == set(target.isas)
    for known in map(figures.of, ("aarch64", "armv7")):
        figured = {
            *known.goals,
            *known.argued,
            *(name for goals in known.isa_goals.values() for name in goals),
            *(name for peer in known.peers.values() for name in peer),
        }
        assert figured <= names


@pytest.mark.one_cpu
def test_times(target: Target) -> None:
    conv = ("--conv", "5,4,20,9,3,2,1")
    for isa in target.isas:
        (row,) = json.loads(run(target, *conv, "--isa", isa, "--repeat", "3", "--json"))
        assert row["name"] == "5,4,20,9,3,2,1"
        assert row["shape"] == "5x4x20 -> 3x2x9, 3x3, stride 2, pad 1, border 0"
        assert (row["isa"], row["repeat"]) == (isa, 3)
        assert row["units"] == 3 * 2 * 9 * (3 * 3 * 20) / 128
        assert 0 < row["min_ns"] <= row["median_ns"]
        assert row["ns_per_unit"] == pytest.approx(row["min_ns"] / row["units"], rel=1e-3)


@pytest.mark.one_cpu
def test_tables(target: Target) -> None:
    text = run(target, "--only", "bconv_1x1_512", "--only", "bconv_3x3_256_s2", "--repeat", "1")
    assert "bnn_bconv_3x3_256_s2" in text  # daBNN's table has it, but no 1x1
    assert "bconv_1x1_512" in text.partition("units")[2]


@pytest.mark.one_cpu
def test_bad_arguments(target: Target) -> None:
    assert "usage:" in run(target, "--conv", "0,4,20,9,3,1,1", code=2)
    assert "usage:" in run(target, "--repeat", "-1", code=2)
    assert "no case is named like xyz" in run(target, "--only", "xyz", code=1)
    conv = ("--conv", "1,1,1,1,1,1,0", "--isa", "z80")
    assert "no such instruction-set variant" in run(target, *conv, code=1)


@pytest.mark.one_cpu
def test_marks(target: Target) -> None:
    row = find(target.name)
    conv = ("--conv", "7,7,128,8,3,1,1", "--conv", "3,3,64,8,1,1,0", "--isa", target.isas[-1])
    if not row.emulator:
        assert "--mark" in run(target, *conv, "--mark", code=1)
        return
    counted = counter.count_cases(row, target.cpu, conv)
    rows = report.rows_of(row.name, counted)
    assert [r["units"] for r in rows] == [7 * 7 * 8 * 9, 9 * 8 / 2]
    for r in rows:
        fields = ["name", "target", "isa", "shape", "units", "instructions", "per_unit"]
        assert list(r) == fields
        assert r["per_unit"] == r["instructions"] / r["units"]
    machine = row.emulator.removeprefix("qemu-")
    if row.name not in PROGRAMS:
        return
    if target.isas[-1] != "c":  # a vector takes one exclusive or
        assert mix.mix(machine, counted[0][1])["eor"] >= rows[0]["units"]
    program = row.build / "bnn-bench"
    again = unicorn_counter.count(machine, program, ["--mark", *conv])[1]
    assert [region.executions for region in again] == [r.executions for _, r in counted]


def test_goal_of_another_case() -> None:
    known = figures.Figures({"a": 2.0, "layer_a": "=a"}, {"peer": {"layer_a": 7.0}})
    assert known.goal("layer_a_minus", "neon", {"a": 3.0}) == [3.0]
    assert known.goal("layer_a", "neon", {}) == []
    assert known.goal("b", "neon", {}) == []
    assert known.peer("peer", "layer_a_plus") == 7.0
    assert figures.Figures({"a": [2.0, 1.5]}).goal("a", "neon", {}) == [2.0, 1.5]
    others = figures.Figures({"a": 2.0}, isa_goals={"neon": {"a": 1.0}})
    assert others.goal("a", "neon", {}) == [1.0]
    assert report.verdict(3.0, 3.0) == "ok"
    assert report.verdict(3.3, 3.0) == "+10.0%"


def test_missed_goals_that_are_argued() -> None:
    notes = report.Notes(figures.Figures(argued={"a": "no room", "b": "nothing to say"}))
    assert [notes.mark("a", "ok"), notes.mark("a", "+1.0%"), notes.mark("c", "+1.0%")] == [
        "ok",
        "+1.0% †",
        "+1.0%",
    ]
    assert notes.text() == "\n\n† a: no room."


def test_sweep_finds_spikes_only() -> None:
    units = [1000.0 * n for n in range(1, 9)]
    costs = [10000 + 3 * int(n) for n in units]
    assert not any(point.cliff for point in sweep.points(range(8), units, costs))
    costs[3] *= 2
    assert [p.value for p in sweep.points(range(8), units, costs) if p.cliff] == [3]


def test_sweep_says_what_it_found() -> None:
    line = sweep.Line("widths", (7, 0, 64, 32, 3, 1, 1), sweep.W, tuple(range(1, 9)))
    units = [1000.0 * n for n in line.values]
    costs = [3000 * n for n in line.values]
    found = [(line, sweep.points(line.values, units, costs))]
    assert sweep.cliffs(found) == []
    assert sweep.verdict(found) == "None of 8 points is a cliff"
    costs[3] *= 2
    found = [(line, sweep.points(line.values, units, costs))]
    assert sweep.cliffs(found) == ["7,4,64,32,3,1,1"]
    assert sweep.verdict(found) == "1 of 8 points are cliffs: 7,4,64,32,3,1,1"


def test_sweep_covers_what_it_should() -> None:
    for line in sweep.LINES:
        assert len(line.values) >= 3
        assert len(set(line.shapes())) == len(line.values)
    assert {v for line in sweep.LINES if line.varied == sweep.W for v in line.values} == set(
        range(1, 58)
    )


def test_table() -> None:
    text = table(["", "n"], [["a", 1.25], ["long", 1234.5], ["none", None]])
    assert text.splitlines() == [
        "|      |      n |",
        "| ---- | -----: |",
        "| a    |  1.250 |",
        "| long | 1234.5 |",
        "| none |        |",
    ]


def test_region_without_end_is_an_error(tmp_path: Path) -> None:
    source, output = tmp_path / "open.S", tmp_path / "open"
    text = PROGRAMS["aarch64"].replace("hint #0x65", "nop")
    source.write_text(text, encoding="ascii")
    target = find("aarch64")
    toolchain.run(
        [*toolchain.zig_cc(target.zig), "-nostdlib", "-static", "-o", str(output), str(source)]
    )
    with pytest.raises(CountError, match="does not end"):
        unicorn_counter.count("aarch64", output, [])


def test_commands_in_the_document_are_understood() -> None:
    commands = [block[2] for block in BLOCK.finditer(DOCS.read_text(encoding="utf-8"))]
    chosen = [parse(shlex.split(command)) for command in commands]
    assert {(options.target, options.sweep) for options in chosen} >= {
        (target, sweep) for target in ("aarch64", "armv7") for sweep in (False, True)
    }
    assert {options.target for options in chosen if options.peers} == {"native"}

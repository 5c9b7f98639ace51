# SPDX-License-Identifier: BSD-3-Clause
"""One test body for every machine.

`target`            the test runs on every machine and cpu model asked for by --target
`kernel, target`    the module (or class) names SLOT = "...": the test runs for every kernel of that slot, each on the first
                    cpu model of targets.toml that has its features
`target, isa`       for whole models: every cpu model with what it chooses itself (isa None), and every instruction set,
                    each on the first cpu model that has it

A machine that cannot run here is one skipped test with the reason; with --require-targets, or in CI, it is an error.
"""

from __future__ import annotations

import os
import sys
from functools import cached_property

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: tests have every core already
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it would go through a file that all share

import pytest

from ci import toolchain
from ci.qemu import emulator
from ci.qemu.targets import Board, find, targets
from targets import Kernel, Machine, Target, TargetError
from targets.memory import Memory
from targets.probe import Probe

if (
    "LIBBNN_PYTHON" in os.environ
):  # under an emulator only this script can start another interpreter
    sys.executable = os.environ["LIBBNN_PYTHON"]
else:
    toolchain.export_native_cc()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("libbnn")
    group.addoption(
        "--target", default="native", help="comma list of targets of ci/qemu/targets.toml"
    )
    group.addoption(
        "--require-targets", action="store_true", help="a target that cannot run is an error"
    )
    group.addoption("--quick", action="store_true", help="leave out tests that are marked long")
    group.addoption("--graphs", type=int, default=60, help="number of random networks to convert")
    group.addoption("--graphs-seed", default="0", help="which ones: a number, or fresh")
    group.addoption("--keep-failure", metavar="NAME", help="keep the one that fails as a test")


class Machines:
    """The machines of this test run; the programs start when the first test asks for one."""

    def __init__(self, config: pytest.Config) -> None:
        self.names: list[str] = config.getoption("--target").split(",")
        unknown = [name for name in self.names if name not in targets()]
        if unknown:
            raise pytest.UsageError(f"--target={unknown[0]}: there are {', '.join(targets())}")
        self.required = bool(config.getoption("--require-targets") or os.environ.get("CI"))
        self.started = False
        self.memories: dict[Board | None, Memory] = {}

    def memory(self, board: Board | None) -> Memory:
        if board not in self.memories:
            self.memories[board] = Memory(board)
        return self.memories[board]

    @cached_property
    def by_target(self) -> dict[str, list[Machine] | str]:
        """The machines of each target, one per cpu model; a text in their place says why there are none."""
        self.started = True
        found = {name: self._connect(name) for name in self.names}
        missing = [f"{name}: {why}" for name, why in found.items() if isinstance(why, str)]
        if missing and self.required:
            raise pytest.UsageError("; ".join(missing))
        return found

    def _connect(self, name: str) -> list[Machine] | str:
        target = find(name)
        program = target.build / "probe"
        if not program.is_file():
            return f"build/{name}/probe is missing: nox -s build -- {name}"
        qemu = emulator.find(target.emulator) if target.emulator else ""
        if qemu is None:
            return f"no {target.emulator}: python -m ci.qemu.{'system' if target.board else 'emulator'}"
        memory = self.memory(target.board)
        machines = []
        for cpu in target.cpus:
            command = target.command(qemu, cpu, str(program), memory.path)
            machine = Machine(name, cpu, Probe(command, memory))
            try:
                machine.connect()
            except TargetError as error:
                if "CPU model" not in str(error):  # an old emulator does not know all models
                    raise
                continue
            machines.append(machine)
        return (
            machines or f"{target.emulator} knows none of the cpu models {', '.join(target.cpus)}"
        )

    def stop(self) -> None:
        if self.started:
            for machines in self.by_target.values():
                for machine in machines if isinstance(machines, list) else []:
                    machine.probe.stop()


MACHINES = pytest.StashKey[Machines]()


def pytest_configure(config: pytest.Config) -> None:
    machines = config.stash[MACHINES] = Machines(config)
    config.add_cleanup(machines.stop)


def pytest_report_header(config: pytest.Config) -> list[str]:
    machines = config.stash[MACHINES]
    return [f"targets: {', '.join(machines.names)}{' (required)' if machines.required else ''}"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted = metafunc.fixturenames
    if "target" not in wanted:
        return
    machines = metafunc.config.stash[MACHINES].by_target
    if "kernel" in wanted:
        slot = getattr(metafunc.cls, "SLOT", None) or getattr(metafunc.module, "SLOT", None)
        if slot is None:
            raise pytest.UsageError(
                f"{metafunc.module.__name__}: a test of a kernel needs SLOT = '...'"
            )
        rows = [row for name, found in machines.items() for row in _kernel_rows(name, found, slot)]
        metafunc.parametrize(("target", "kernel"), rows, indirect=True)
    elif "isa" in wanted:
        rows = [row for name, found in machines.items() for row in _isa_rows(name, found)]
        metafunc.parametrize(("target", "isa"), rows, indirect=True)
    else:
        one = metafunc.definition.get_closest_marker("one_cpu") is not None
        rows = [row for name, found in machines.items() for row in _target_rows(name, found, one)]
        metafunc.parametrize("target", rows, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not depend on the target where this machine is not one of the targets; long tests if asked to."""
    here = "native" in config.stash[MACHINES].names or "LIBBNN_PYTHON" in os.environ
    quick = config.getoption("--quick")

    def wanted(item: pytest.Item) -> bool:
        if quick and item.get_closest_marker("long"):
            return False
        return here or "target" in getattr(item, "fixturenames", ())

    config.hook.pytest_deselected(items=[item for item in items if not wanted(item)])
    items[:] = filter(wanted, items)


def _absent(name: str, reason: str, values: int) -> list[object]:
    return [
        pytest.param(*[None] * values, id=name, marks=pytest.mark.skip(reason=f"{name}: {reason}"))
    ]


def _target_rows(name: str, machines: list[Machine] | str, one_cpu: bool) -> list[object]:
    if isinstance(machines, str):
        return _absent(name, machines, 1)
    return [pytest.param(machine, id=machine.id) for machine in machines[: 1 if one_cpu else None]]


def _kernel_rows(name: str, machines: list[Machine] | str, slot: str) -> list[object]:
    if isinstance(machines, str):
        return _absent(name, machines, 2)
    isas = [isa for s, isa in machines[0].kernels if s == slot]
    if not isas:
        raise pytest.UsageError(f"no kernel slot {slot!r} in libbnn/src/kernels.def")
    rows: list[object] = []
    for isa in isas:
        able = [machine for machine in machines if machine.isas[isa]]
        if able:
            rows.append(pytest.param(able[0], isa, id=f"{name}-{isa}"))
        elif isa not in find(name).without:
            rows += _absent(f"{name}-{isa}", f"none of its cpu models runs {isa}", 2)
    return rows


def _isa_rows(name: str, machines: list[Machine] | str) -> list[object]:
    if isinstance(machines, str):
        return _absent(name, machines, 2)
    rows: list[object] = [
        pytest.param(machine, None, id=f"{machine.id}-auto") for machine in machines
    ]
    for isa in machines[0].isas:
        able = [machine for machine in machines if machine.isas[isa]]
        rows += [pytest.param(machine, isa, id=f"{machine.id}-{isa}") for machine in able[:1]]
    return rows


@pytest.fixture
def machines(request: pytest.FixtureRequest) -> dict[str, list[Machine] | str]:
    """All machines of this run by target name, for tests about the machines themselves."""
    return request.config.stash[MACHINES].by_target


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Target:
    """A machine with empty memory."""
    machine: Machine = request.param
    return Target(machine)


@pytest.fixture
def kernel(request: pytest.FixtureRequest, target: Target) -> Kernel:
    """The kernel under test; see the top of this file."""
    slot = getattr(request.cls, "SLOT", None) or request.module.SLOT
    return target.kernel(slot, request.param)


@pytest.fixture
def isa(request: pytest.FixtureRequest) -> str | None:
    """The instruction set to ask for, None for the best; see the top of this file."""
    value: str | None = request.param
    return value

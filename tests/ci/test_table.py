# SPDX-License-Identifier: BSD-3-Clause
"""targets.toml: what it promises about cpu models, checked against what the programs say."""

from __future__ import annotations

from ci.qemu.targets import targets
from targets import Machine


def test_at_least_three_cpu_models_per_arm_target() -> None:
    for name in ("aarch64", "armv7"):
        assert len(targets()[name].cpus) >= 3


def test_instruction_sets_run_where_they_should(machines: dict[str, list[Machine] | str]) -> None:
    """Every instruction set has a cpu model that runs it, except those that the table says are missing."""
    for name, found in machines.items():
        if isinstance(found, str) or name == "native":
            continue
        for isa in found[0].isas:
            runs = any(machine.isas[isa] for machine in found)
            assert runs != (isa in targets()[name].without), f"{name}: {isa}"

# SPDX-License-Identifier: BSD-3-Clause
"""Flash of an exported model's program on Cortex-M: `python -m ci.flash [MODEL]`, default the digits network.

The program is bnn.c, what `--emit c` writes, and a main that runs it once; linked with --gc-sections, with and without the
switches of NAME_config.h; and the same with --unroll and --small. Bytes are those of code and constants, the model's aside;
with --unroll the plan is among them, which else is in RAM, and stands by itself, too.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from elftools.elf.elffile import ELFFile

from ci import amalgamate, toolchain
from ci.paths import ROOT

TARGETS = {
    "Cortex-M0": ("thumb-freestanding-eabi", ("-mcpu=cortex_m0",)),
    "Cortex-M4": ("thumb-freestanding-eabihf", ("-mcpu=cortex_m4+vfp4d16sp",)),
}
OPTIONS = (
    "-std=c11", "-Os", "-g0", "-ffreestanding", "-ffunction-sections", "-fdata-sections", "-fno-pic",
    "-fno-unwind-tables", "-DBNN_CONFIG_FREESTANDING=1",
)  # fmt: skip
LINK = ("-static", "-Wl,--gc-sections", "-Wl,-e,start")
SWITCHES = '-DBNN_CONFIG_FILE="net_config.h"'
MAIN = """
#include "net.h"
static _Alignas(NET_ALIGNMENT) uint8_t arena[NET_ARENA_BYTES];
void start(void)
{
    bnn_plan *plan;
    if (net_init(&plan, arena, sizeof arena, NULL) == BNN_OK) bnn_run(plan);
    for (;;) {
    }
}
"""
UNROLLED = ("--unroll", "--small")
MAIN_UNROLLED = """
#include "net.h"
void (*const volatile program)(void) = (void (*)(void))net_run; /* whatever it takes: this is linked, not run */
void start(void)
{
    program();
    for (;;) {
    }
}
"""
SHF_ALLOC = 2


def export(model: Path, folder: Path, *options: str) -> None:
    """Write the program's sources; `options`: UNROLLED or none."""
    amalgamate.write(folder)
    (folder / "main.c").write_text(MAIN_UNROLLED if options else MAIN, encoding="utf-8")
    command = [sys.executable, "-m", "converter", str(model), "--emit", "c", "--name", "net"]
    command += [*options, "-o", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def image(folder: Path, target: str, *options: str) -> ELFFile:
    """Link the program and return it."""
    memory = str(ROOT / "examples" / "firmware" / "memory.c")
    return _compiled(
        folder, target, *options, *LINK, "bnn.c", "net.c", "net_data.c", "main.c", memory
    )


def _compiled(folder: Path, target: str, *arguments: str) -> ELFFile:
    output = folder / "net.elf"
    command = [*toolchain.zig_cc(*TARGETS[target]), *OPTIONS, *arguments, "-o", str(output)]
    toolchain.run(command, cwd=folder)
    return ELFFile(io.BytesIO(output.read_bytes()))


def code_bytes(program: ELFFile, folder: Path) -> int:
    """Return the bytes of code and constants, the model aside."""
    flash = sum(
        int(section["sh_size"])
        for section in program.iter_sections()
        if section["sh_flags"] & SHF_ALLOC and section["sh_type"] != "SHT_NOBITS"
    )
    return flash - int(
        (folder / "net.h").read_text("utf-8").split("NET_MODEL_BYTES ")[1].split()[0]
    )


def plan_bytes(folder: Path, target: str) -> int:
    """Return the bytes of the plan of a model that is written as calls: the constants of net.c."""
    sections = _compiled(folder, target, "-c", "net.c").iter_sections()
    return sum(int(s["sh_size"]) for s in sections if s.name.startswith(".rodata"))


def main(arguments: list[str]) -> None:
    """Print the bytes with everything, with what the model needs, and with the model as calls."""
    model = Path(arguments[0] if arguments else ROOT / "examples" / "digits" / "digits.onnx")
    columns = {"all ops": ((), ()), "config": ((), (SWITCHES,)), "calls": (UNROLLED, (SWITCHES,))}
    print(f"{'':12}{''.join(f'{name:>10}' for name in [*columns, 'plan'])}")
    with tempfile.TemporaryDirectory() as work:
        folders = {options: Path(work, str(len(options))) for options, _ in columns.values()}
        for options, folder in folders.items():
            export(model.resolve(), folder, *options)
        for target in TARGETS:
            sizes = [
                code_bytes(image(folders[options], target, *switches), folders[options])
                for options, switches in columns.values()
            ]
            sizes.append(plan_bytes(folders[UNROLLED], target))
            print(f"{target:12}{''.join(f'{size:10}' for size in sizes)}")


if __name__ == "__main__":
    main(sys.argv[1:])

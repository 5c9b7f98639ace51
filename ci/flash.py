# SPDX-License-Identifier: BSD-3-Clause
"""Flash of an exported model's program on Cortex-M: `python -m ci.flash [MODEL]`, default the digits network.

The program is bnn.c, what `--emit c` writes, and a main that runs it once; linked with --gc-sections, with and without the
switches of NAME_config.h. Bytes are those of code and constants, the model aside.
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
    "-fno-unwind-tables", "-DBNN_CONFIG_FREESTANDING=1", "-static", "-Wl,--gc-sections", "-Wl,-e,start",
)  # fmt: skip
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
SHF_ALLOC = 2


def export(model: Path, folder: Path) -> None:
    """Write the program's sources."""
    amalgamate.write(folder)
    (folder / "main.c").write_text(MAIN, encoding="utf-8")
    command = [sys.executable, "-m", "converter", str(model), "--emit", "c", "--name", "net"]
    subprocess.run([*command, "-o", str(folder)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def image(folder: Path, target: str, *options: str) -> ELFFile:
    """Link the program and return it."""
    sources = ["bnn.c", "net.c", "net_data.c", "main.c"]
    memory = str(ROOT / "examples" / "firmware" / "memory.c")
    compiler = toolchain.zig_cc(*TARGETS[target])
    output = folder / "net.elf"
    command = [*compiler, *OPTIONS, *options, *sources, memory, "-o", str(output)]
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


def main(arguments: list[str]) -> None:
    """Print the bytes with everything and with what the model needs."""
    model = Path(arguments[0] if arguments else ROOT / "examples" / "digits" / "digits.onnx")
    print(f"{'':12}{'all ops':>10}{'config':>10}")
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        export(model.resolve(), folder)
        for target in TARGETS:
            sizes = [code_bytes(image(folder, target, *o), folder) for o in ((), (SWITCHES,))]
            print(f"{target:12}{''.join(f'{size:10}' for size in sizes)}")


if __name__ == "__main__":
    main(sys.argv[1:])

# SPDX-License-Identifier: BSD-3-Clause
"""Build and run the firmware of all boards and print one table: `python -m ci.firmware [BOARD...]`.

The exit code is 1 if a board does not get as many images right as this computer. With --optional a machine without the emulator
is told so, and the exit code is 0.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from ci import firmware
from ci.bench.table import Cell, table
from ci.firmware import Board, FirmwareError
from ci.qemu import system

COLUMNS = (
    "board",
    "library",
    "plan",
    "model",
    "rest",
    "images",
    "arena",
    "stack",
    "instructions",
    "right",
    "result",
)
LEGEND = """\
Bytes of flash: the library's code and constants; where the network is written as calls, what these know (where it is loaded,
that is in the arena); the model; the rest of the program (start-up, main, the compiler's arithmetic); the test images. Bytes of
RAM: the arena, and the deepest that the stack ever was. Instructions of one inference, counted by the emulator. Images that the
board got right, of 500."""


def measure(board: Board) -> tuple[bool, list[Cell]]:
    """Build and run one board's firmware; return whether it agrees with this computer, and its row."""
    firmware.build(board)
    sizes = firmware.sections(board.program)
    flash = {name: sizes.get(f".{name}", 0) for name in ("library", "plan", "model", "images")}
    rest = sum(sizes.get(name, 0) for name in (".vectors", ".text", ".rodata", ".data"))
    try:
        code, printed = firmware.run(board, ("-icount", "shift=0"))
    except FirmwareError as error:
        return False, [board.name, *flash.values(), *[None] * 5, str(error)]
    said = firmware.numbers(printed)
    result = "equal" if code == 0 else f"FAILED ({code}): {printed.strip().splitlines()[-1:]}"
    if board.flash and flash["library"] > board.flash:
        code, result = 1, f"FAILED: the library takes more than {board.flash} bytes"
    *before, images = flash.values()
    row: list[Cell] = [board.name, *before, rest, images]
    row += [said.get("arena bytes"), said.get("stack bytes")]
    row += [round(said.get("ticks per inference", 0) * board.ns), said.get("images right"), result]
    return code == 0, row


def main(names: list[str]) -> int:
    """Run the boards of these names, default all, and return the exit code."""
    try:
        system.install()
    except system.EmulatorError as error:
        if "--optional" not in names:
            raise SystemExit(str(error)) from None
        print(f"skipped: {error}")
        return 0
    known = firmware.boards()
    chosen = [name for name in names if name != "--optional"] or list(known)
    for name in chosen:
        if name not in known:
            raise SystemExit(f"unknown board {name!r}: there are {', '.join(known)}")
    firmware.write_data()
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(measure, [known[name] for name in chosen]))
    print(table(COLUMNS, [row for _, row in results]))
    print(LEGEND)
    return 0 if all(agrees for agrees, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# SPDX-License-Identifier: BSD-3-Clause
"""The table of boards fits the example's files, and what a program prints is read as it is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci import firmware
from ci.firmware.__main__ import main
from ci.qemu import system


@pytest.mark.parametrize("name", firmware.boards())
def test_board_has_its_files(name: str) -> None:
    board = firmware.boards()[name]
    script = (firmware.SOURCE / "boards" / f"{name}.ld").read_text(encoding="utf-8")
    assert "INCLUDE sections.ld" in script
    assert (firmware.SOURCE / "start" / board.start).is_file()
    assert board.machine[0] in system.PROGRAMS
    assert board.ns > 0
    assert (firmware.SOURCE / f"{board.network}.c").is_file()
    assert board.arena % 64 == 0
    assert (board.arena == 0) == (board.network == "unrolled")


def test_numbers_of_a_program() -> None:
    printed = "qemu: warning: no peer\narena bytes: 54080\nimages right: 491\nwrong: something\n"
    assert firmware.numbers(printed) == {"arena bytes": 54080, "images right": 491}


def test_unknown_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "install", lambda: None)
    with pytest.raises(SystemExit, match="unknown board 'pdp11': there are cortex-m0, cortex-m3"):
        main(["pdp11"])


def test_missing_emulator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIBBNN_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--optional"]) == 0
    assert "skipped: no qemu-system-aarch64" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="install Debian's or Ubuntu's package qemu-system-arm"):
        main([])

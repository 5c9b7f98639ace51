# SPDX-License-Identifier: BSD-3-Clause
"""Build the library, its tools and the test probe for targets: `python -m ci.build [TARGET...]`, default native.

Leaves build/TARGET/bnn-run, bnn-bench and probe; programs of foreign targets are static. Of firmware only the probe.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from filelock import FileLock

from ci import toolchain
from ci.paths import ROOT
from ci.qemu.targets import Target, find

PROGRAMS = ("bnn-run", "bnn-bench", "probe")
FIRMWARE = ("probe",)


def programs(target: Target) -> tuple[str, ...]:
    """Return what is built for a target."""
    return FIRMWARE if target.board else PROGRAMS


def build(target: Target) -> None:
    """Configure where needed and build, one process at a time; both are quick when nothing changed."""
    target.build.mkdir(parents=True, exist_ok=True)
    with FileLock(target.build / "lock"):
        _build(target)


def _build(target: Target) -> None:
    work = target.build / "cmake"
    compiler = _compiler(target)
    stamp = work / "configured"
    wanted = "\n".join([sysconfig.get_path("purelib"), *compiler, *target.options])
    if not (work / "build.ninja").is_file() or not _says(stamp, wanted):
        configure = ["-S", str(ROOT / "tests" / "probe"), "-B", str(work), "-G", "Ninja", "--fresh"]
        settings = ["-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_MAKE_PROGRAM={toolchain.tool('ninja')}"]
        toolchain.run([toolchain.tool("cmake"), *configure, *settings, *compiler])
        stamp.write_text(wanted, encoding="utf-8")
    toolchain.run([toolchain.tool("cmake"), "--build", str(work), "--target", *programs(target)])
    for program in programs(target):
        _link(target.build / program, work)


def _compiler(target: Target) -> list[str]:
    """Return the CMake settings that choose the compiler."""
    tools = target.build / "toolchain"
    if target.zig:
        toolchain.write_tools(tools, target.zig, target.options)
        settings = [
            f"-DCMAKE_TOOLCHAIN_FILE={toolchain.TOOLCHAIN_FILE}",
            f"-DBNN_TOOLS={tools}",
            f"-DBNN_SYSTEM={'Generic' if target.board else 'Linux'}",
            f"-DBNN_PROCESSOR={target.processor}",
        ]
        if target.board:
            settings += [f"-DBOARD={target.board.script}", f"-DMEMORY={target.board.memory:#x}"]
        return settings
    command = toolchain.native_cc()
    if len(command) > 1:  # zig, or a $CC with options
        toolchain.write_script(tools / "cc", command)
        command = [str(tools / "cc")]
    settings = [f"-DCMAKE_C_COMPILER={command[0]}", f"-DCMAKE_ASM_COMPILER={command[0]}"]
    if not shutil.which("ar"):
        toolchain.write_archivers(tools)
        settings += [f"-DCMAKE_AR={tools / 'ar'}", f"-DCMAKE_RANLIB={tools / 'ranlib'}"]
    return settings


def _says(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text


def _link(link: Path, work: Path) -> None:
    """Link to the program of that name, wherever in the CMake folder its subproject put it."""
    program = next(path for path in work.rglob(link.name) if path.is_file())
    wanted = program.relative_to(link.parent)
    if link.is_symlink() and link.readlink() == wanted:
        return  # another process may be running it
    link.unlink(missing_ok=True)
    link.symlink_to(wanted)


def main(names: list[str]) -> None:
    """Build all named targets at the same time: the first time zig builds a C library for each, on one core."""
    targets = [find(name) for name in names or ["native"]]
    if any(target.zig for target in targets):
        toolchain.zig()
    with ThreadPoolExecutor() as pool:
        list(pool.map(build, targets))
    for target in targets:
        print(f"built {target.build.relative_to(ROOT)}/{{{','.join(programs(target))}}}")


if __name__ == "__main__":
    main(sys.argv[1:])

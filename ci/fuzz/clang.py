# SPDX-License-Identifier: BSD-3-Clause
"""A clang with libFuzzer and the sanitizers: the machine's, or one of its apt sources, unpacked into the user's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

from ci.fuzz.result import ToolError
from ci.paths import cache_dir, new_directory
from ci.qemu.apt import AptError, unpack
from ci.toolchain import write_script

SANITIZE = "-fsanitize=fuzzer,address,undefined"
SYMBOLIZER = "llvm-symbolizer"  # turns addresses of a report into lines
VERSIONS = range(22, 13, -1)  # of the packages, the newest first
# Programs that come out of an archive run with the C library of the machine, which is of the same distribution.
OWN_LIBC = (
    "ld-linux",
    "libc.so",
    "libm.so",
    "libpthread",
    "libdl.",
    "librt.",
    "libresolv",
    "libnss",
)


@lru_cache(maxsize=1)
def clang() -> str:
    """Return a clang that builds fuzz targets; it is installed if it is missing."""
    for name in ("clang", *(f"clang-{version}" for version in VERSIONS)):
        found = shutil.which(name)
        if found and _builds(found):
            return found
    program = cache_dir() / "clang" / "bin" / "clang"
    if not program.is_file():
        _install(program.parent.parent)
    if not _builds(str(program)):
        raise ToolError(f"{program} cannot build with {SANITIZE}")
    return str(program)


def environment() -> dict[str, str]:
    """Return the environment in which a sanitizer's report names lines."""
    symbolizer = Path(clang()).parent / SYMBOLIZER
    return {
        **os.environ,
        **({"ASAN_SYMBOLIZER_PATH": str(symbolizer)} if symbolizer.is_file() else {}),
    }


def _builds(program: str) -> bool:
    """Whether a compiler makes a fuzz target."""
    source = "int LLVMFuzzerTestOneInput(const char *d, long n) { return n == 7 && d[0] == 'x'; }\n"
    with tempfile.TemporaryDirectory() as folder:
        command = [program, SANITIZE, "-x", "c", "-", "-o", str(Path(folder) / "program")]
        result = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    return result.returncode == 0


def _install(folder: Path) -> None:
    """Unpack the newest clang that apt has, with all that a program is built from."""
    reasons = []
    for version in VERSIONS:
        try:
            with new_directory(folder) as work:
                unpack(
                    [f"{package}-{version}" for package in ("clang", "llvm")]
                    + [f"libclang-rt-{version}-dev"],
                    work,
                )
                _make_programs(work, folder, version)
                shutil.rmtree(work / "usr" / "share", ignore_errors=True)
            return
        except AptError as error:
            reasons.append(f"clang-{version}: {error}")
    raise ToolError(reasons[-1])


def _make_programs(work: Path, final: Path, version: int) -> None:
    """Write bin/clang and the symbolizer, which find libraries, linker and headers in the unpacked folder."""
    libraries = work / "libraries"
    libraries.mkdir()
    for path in sorted(work.rglob("*.so*")):
        link = libraries / path.name
        if (
            not path.name.startswith(OWN_LIBC)
            and "32" not in path.parent.name
            and not link.is_symlink()
        ):
            link.symlink_to(final / path.relative_to(work))
    settings = [
        f"LD_LIBRARY_PATH={final / 'libraries'}",
        f"PATH={final / 'usr' / 'bin'}:/usr/bin:/bin",
    ]
    programs = final / "usr" / "lib" / f"llvm-{version}" / "bin"
    clang_command = [str(programs / "clang"), f"--sysroot={final}"]
    write_script(work / "bin" / "clang", ["env", *settings, *clang_command])
    write_script(work / "bin" / SYMBOLIZER, ["env", *settings, str(programs / SYMBOLIZER)])

# SPDX-License-Identifier: BSD-3-Clause
"""What the library is for a compiler: its files and macros depend on the processor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ci import toolchain
from ci.paths import ROOT

LIBRARY = ROOT / "libbnn"
INCLUDES = [f"-I{LIBRARY / part}" for part in ("include", "src", "threads", "profile", "export")]
LANGUAGE = ["-std=c11", "-O2", "-ffp-contract=off"]
WARNINGS = [
    *("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wvla", "-Walloca", "-Wshadow"),
    *("-Wcast-qual", "-Wcast-align", "-Wstrict-prototypes", "-Wundef", "-Wdouble-promotion"),
    *("-Wimplicit-fallthrough", "-Wunreachable-code", "-Wcomma", "-Wformat=2", "-Wwrite-strings"),
]
FIRMWARE = ("-ffreestanding", "-DBNN_CONFIG_FREESTANDING=1")


@dataclass(frozen=True)
class View:
    """One processor's view.

    clang: its options; musl: the folder of zig's C library headers, if it has an operating system; macros: those of the
    compiler that the library asks for, which cppcheck must be told; bits: of a pointer.
    """

    name: str
    folders: tuple[str, ...]
    clang: tuple[str, ...]
    musl: str = ""
    macros: tuple[str, ...] = ()
    bits: int = 64

    def files(self) -> list[Path]:
        """Return the C files that are something in this view."""
        paths = [path for folder in self.folders for path in (LIBRARY / folder).glob("*.c")]
        return sorted(paths)

    def compile_options(self) -> list[str]:
        """Return clang's options, warnings included."""
        options = [*LANGUAGE, *self.clang, *INCLUDES, *WARNINGS]
        if self.musl:
            headers = toolchain.zig().parent / "lib" / "libc" / "include"
            for folder in (self.musl, "generic-musl"):
                options += ["-isystem", str(headers / folder)]
        return options

    def cppcheck_options(self) -> list[str]:
        """Return cppcheck's options."""
        common = ("__BYTE_ORDER__=1234", "__ORDER_LITTLE_ENDIAN__=1234", "__GNUC__=12")
        macros = [f"-D{macro}" for macro in (*common, "__STDC_VERSION__=201112L", *self.macros)]
        return [f"--platform=unix{self.bits}", *macros, *INCLUDES]


PORTABLE = ("src", "src/generic", "src/ops")
VIEWS = (
    View(
        "x86-64",
        (*PORTABLE, "src/x86", "threads", "profile", "export", "tools", "tools/bench"),
        ("--target=x86_64-linux-musl",),
        "x86_64-linux-musl",
        ("__x86_64__=1", "__LP64__=1", "__linux__=1"),
    ),
    View(
        "cortex-m55",
        (*PORTABLE, "src/cortexm"),
        ("--target=thumbv8.1m.main-none-eabihf", "-mcpu=cortex-m55", *FIRMWARE),
        macros=(
            *("BNN_CONFIG_FREESTANDING=1", "__arm__=1", "__ARM_ARCH_PROFILE='M'"),
            *("__ARM_FP=14", "__ARM_FEATURE_MVE=1"),
        ),
        bits=32,
    ),
    View(
        "aarch64",
        ("src/armv8",),
        ("--target=aarch64-linux-musl",),
        "aarch64-linux-musl",
        ("__aarch64__=1", "__linux__=1"),
    ),
    View(
        "armv7",
        ("src/armv7",),
        ("--target=armv7-linux-musleabihf",),
        "arm-linux-musl",
        ("__arm__=1", "__linux__=1"),
        bits=32,
    ),
)

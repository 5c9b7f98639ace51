# SPDX-License-Identifier: BSD-3-Clause
"""The C library on hostile .dab files: libFuzzer with tests/fuzz/dab_mutator.c, AddressSanitizer and UBSan."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from ci import toolchain
from ci.fuzz.clang import clang, environment
from ci.fuzz.corpus import FOUND, SEEDS
from ci.fuzz.result import Result, seed
from ci.paths import BUILD, ROOT

WORK = BUILD / "fuzz"
CORPUS = WORK / "corpus"  # grows from run to run
FINDINGS = WORK / "findings"
MOST_BYTES = 4096  # of a file: small ones run fast, and no rule needs a large one


def build() -> Path:
    """Build the fuzz target; quick when nothing changed."""
    work = WORK / "cmake"
    compiler = clang()
    if not (work / "build.ninja").is_file():
        settings = {
            "CMAKE_BUILD_TYPE": "None",
            "CMAKE_MAKE_PROGRAM": toolchain.tool("ninja"),
            "CMAKE_C_COMPILER": compiler,
            "CMAKE_ASM_COMPILER": compiler,
            "CMAKE_TRY_COMPILE_TARGET_TYPE": "STATIC_LIBRARY",
        }
        configure = ["-S", str(ROOT / "tests" / "fuzz"), "-B", str(work), "-G", "Ninja"]
        options = [f"-D{name}={value}" for name, value in settings.items()]
        toolchain.run([toolchain.tool("cmake"), *configure, *options])
    toolchain.run([toolchain.tool("cmake"), "--build", str(work)])
    return work / "dab_fuzzer"


def fuzz(seconds: int) -> Result:
    """Fuzz until the time is over or something is found."""
    program = build()
    for folder in (CORPUS, FINDINGS):
        folder.mkdir(parents=True, exist_ok=True)
    command = [str(program), f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", "-timeout=20"]
    command += [
        *seed(),
        "-print_final_stats=1",
        f"-artifact_prefix={FINDINGS}/",
        str(CORPUS),
        str(SEEDS),
    ]
    result = subprocess.run(
        command, env=environment(), capture_output=True, text=True, errors="replace", check=False
    )
    count = re.search(r"stat::number_of_executed_units: +(\d+)", result.stderr)
    executions = int(count[1]) if count else 0
    if result.returncode == 0 and executions:
        return Result("dab", executions, seconds, [])
    kept = re.search(r"Test unit written to (\S+)", result.stderr)
    path = Path(kept[1]) if kept else WORK
    report = [line for line in result.stderr.splitlines() if not line.startswith(("#", "INFO"))]
    text = "\n".join(report[:40])
    again = f"again: {program} {path}\nonce mended, keep it: cp {path} {SEEDS}/{FOUND}WHAT.dab"
    return Result("dab", executions, seconds, [f"{text}\n{again}"])

# SPDX-License-Identifier: BSD-3-Clause
"""Every task of the project: `nox` is lint and native tests, `nox -l` lists the rest. Arguments behind -- go to pytest.

All sessions share one environment, .nox/tools. The work itself is in ci/.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

ROOT = Path(__file__).parent
TOOLS = ROOT / ".nox" / "tools"
#: A machine that cannot have an emulator skips what needs it; in CI that is an error.
OPTIONAL = [] if os.environ.get("CI") else ["--optional"]

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["lint", "test"]
nox.options.default_venv_backend = "none"


def python(session: nox.Session, *arguments: str, success: Sequence[int] = (0,)) -> None:
    """Run the Python of the shared environment, which is made or renewed when pyproject.toml changed."""
    program = TOOLS / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp = TOOLS / "pyproject.sha256"
    wanted = hashlib.sha256(
        (ROOT / "pyproject.toml").read_bytes() + sys.version.encode()
    ).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        session.run(sys.executable, "-m", "virtualenv", "--quiet", str(TOOLS), external=True)
        group = f"{ROOT / 'pyproject.toml'}:tools"
        session.run(
            str(program), "-m", "pip", "install", "--quiet", "--group", group, external=True
        )
        stamp.write_text(wanted, encoding="utf-8")
    session.run(str(program), *arguments, external=True, success_codes=success)


def pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest on all cores (`-- -n 0`: in one process, as a debugger needs) with the session's arguments.

    Where there are some, selecting no test is no failure (code 5).
    """
    success = (0, 5) if session.posargs else (0,)
    cores = ("-n", "auto", "--dist=worksteal")
    python(session, "-m", "pytest", *cores, *arguments, *session.posargs, success=success)


@nox.session
def lint(session: nox.Session) -> None:
    """Check formats, types and house rules of all files; `-- --fix` mends what a tool can mend."""
    python(session, "-m", "ci.lint", *session.posargs)


@nox.session
def analyze(session: nox.Session) -> None:
    """Look for defects in all C: clang-tidy, cppcheck, gcc -fanalyzer, rules of firmware; `-- TOOL...` names some."""
    python(session, "-m", "ci.analyze", *session.posargs)


@nox.session
def prove(session: nox.Session) -> None:
    """Prove parts of the loader and planner with CBMC, for all inputs up to a size; `-- --plant` shows that the proofs bite."""
    python(session, "-m", "ci.prove", *session.posargs)


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests on this machine; those marked long only if tests are named: `-- tests` is all of them."""
    python(session, "-m", "ci.build", "native")
    python(session, "-m", "ci.binding", "native")
    quick = [] if session.posargs else ["--quick"]
    pytest(session, "--target=native", "--ignore=tests/asm", *quick)


@nox.session
def generated(session: nox.Session) -> None:
    """Convert 2,000 random networks and compare; `-- --graphs N`, `-- --graphs-seed fresh`, `-- --keep-failure NAME`."""
    python(session, "-m", "ci.build", "native")
    python(session, "-m", "ci.binding", "native")
    pytest(session, "--target=native", "--graphs=2000", "tests/converter/generated.py")


@nox.session(name="test-aarch64")
def test_aarch64(session: nox.Session) -> None:
    """Run the tests of kernels, operators and models on emulated AArch64, and the binding's in its Python."""
    emulated(session, "aarch64")


@nox.session(name="test-armv7")
def test_armv7(session: nox.Session) -> None:
    """The same on emulated 32-bit ARM, with NEON and without."""
    emulated(session, "armv7", "armv6")


@nox.session(name="test-cortexm")
def test_cortexm(session: nox.Session) -> None:
    """Run the tests of kernels on emulated Cortex-M boards, without an operating system."""
    targets = ("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m55")
    python(session, "-m", "ci.qemu.system", *OPTIONAL)
    python(session, "-m", "ci.build", "native", *targets)
    tests = ("tests/kernels", "tests/ci/test_targets.py", "tests/ci/test_boards.py")
    pytest(session, f"--target={','.join(targets)}", *tests)


def emulated(session: nox.Session, *targets: str) -> None:
    """Run the tests of targets; the first one's Python runs the binding's. Without an emulator: skipped, in CI an error."""
    python(session, "-m", "ci.qemu.emulator", *OPTIONAL)
    python(session, "-m", "ci.build", "native", *targets)
    python(session, "-m", "ci.binding", "native")
    pytest(session, f"--target={','.join(targets)}", "--ignore=tests/asm")
    python(session, "-m", "ci.selftest", targets[0], *session.posargs)


@nox.session
def asm(session: nox.Session) -> None:
    """Run every assembly kernel instruction by instruction: ABI, memory, packing hazards."""
    pytest(session, "tests/asm")


@nox.session
def build(session: nox.Session) -> None:
    """Build build/TARGET/bnn-run; `-- TARGET...` is native (default), aarch64, armv7 or armv6."""
    python(session, "-m", "ci.build", *session.posargs)


@nox.session
def amalgamate(session: nox.Session) -> None:
    """Write build/amalgamation/bnn.c and bnn.h: the portable library as two files; `-- FOLDER` writes them there."""
    python(session, "-m", "ci.amalgamate", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the binary layers: `-- --target native|aarch64|armv7|cortex-m4 [--json FILE]`; `-- --help` has the rest."""
    python(session, "-m", "ci.qemu.emulator", "--optional")
    python(session, "-m", "ci.build", "native")
    python(session, "-m", "ci.binding", "native")
    python(session, "-m", "ci.bench", *session.posargs)


@nox.session
def firmware(session: nox.Session) -> None:
    """Build the digits network as firmware and run it on emulated boards; `-- BOARD...` names some."""
    python(session, "-m", "ci.build", "native")
    python(session, "-m", "ci.binding", "native")
    python(session, "-m", "ci.firmware", *OPTIONAL, *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Convert the digits network, run it on every machine and print one table."""
    python(session, "-m", "ci.qemu.emulator", "--optional")
    python(session, "-m", "ci.build", "native", "aarch64", "armv7")
    python(session, "-m", "ci.binding", "native")
    python(session, "-m", "examples.digits.demo", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Give hostile files to the library's loader, planner and run; `-- --seconds N` (default 60)."""
    python(session, "-m", "ci.fuzz", *session.posargs)


@nox.session
def ci(session: nox.Session) -> None:
    """Run everything that CI runs."""
    for name in (
        "lint",
        "analyze",
        "prove",
        "demo",
        "firmware",
        "asm",
        "test-aarch64",
        "test-armv7",
        "test-cortexm",
        "test",
        "generated",
        "fuzz",
    ):
        session.notify(name, posargs=["tests"] if name == "test" else [])

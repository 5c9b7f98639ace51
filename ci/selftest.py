# SPDX-License-Identifier: BSD-3-Clause
"""Run the binding's tests in a real Python of a foreign machine: `python -m ci.selftest TARGET [pytest arguments]`.

Without that Python (ci/qemu/sysroot.py says why) this is a skip with a message; where CI is set it is an error.
"""

from __future__ import annotations

import os
import subprocess
import sys

from ci import binding
from ci.paths import ROOT
from ci.qemu import emulator, sysroot
from ci.qemu.targets import find

NO_TESTS_SELECTED = 5  # pytest's exit code; natural where -k names something else


def main(name: str, arguments: list[str]) -> int:
    """Install, build, run; return the exit code."""
    target = find(name)
    try:
        emulator.install()
        sysroot.install(target)
        python = sysroot.write_launcher(target)
    except (emulator.EmulatorError, sysroot.SysrootError) as error:
        print(
            f"binding's tests on {name}: {'error' if os.environ.get('CI') else 'skipped'}: {error}"
        )
        return 1 if os.environ.get("CI") else 0
    binding.build(target)
    settings = [
        "-c",
        str(ROOT / "pyproject.toml"),
        "-o",
        f"pythonpath={ROOT / 'tests'}",
        "-p",
        "no:cacheprovider",
    ]
    command = [
        str(python),
        "-m",
        "pytest",
        *settings,
        "-m",
        "self",
        *arguments,
        str(ROOT / "tests" / "binding"),
    ]
    print(f"binding's tests in Python on {name}", flush=True)
    code = subprocess.run(command, cwd=binding.folder(target), check=False).returncode
    return 0 if code == NO_TESTS_SELECTED and arguments else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

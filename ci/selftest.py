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
from ci.qemu import emulator, sysroot, system
from ci.qemu.targets import find

TESTS = ROOT / "tests" / "binding"
NO_TESTS_SELECTED = 5  # pytest's exit code; natural where -k names something else


def main(name: str, arguments: list[str]) -> int:
    """Install, build, run; return the exit code."""
    target = find(name)
    options, paths = split(arguments)
    if not paths:
        return 0
    try:
        emulator.install()
        sysroot.install(target)
        python = sysroot.write_launcher(target)
    except (system.EmulatorError, sysroot.SysrootError) as error:
        print(
            f"binding's tests on {name}: {'error' if os.environ.get('CI') else 'skipped'}: {error}"
        )
        return 1 if os.environ.get("CI") else 0
    binding.build(target)
    settings = ["-c", str(ROOT / "pyproject.toml"), "-o", f"pythonpath={ROOT / 'tests'}"]
    command = [str(python), "-m", "pytest", *settings, "-p", "no:cacheprovider", "-m", "self"]
    print(f"binding's tests in Python on {name}", flush=True)
    code = subprocess.run(
        [*command, *options, *paths], cwd=binding.folder(target), check=False
    ).returncode
    return 0 if code == NO_TESTS_SELECTED and arguments else code


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Split pytest's arguments into options and tests of the binding, all of them where no test is named."""
    paths = [text for text in arguments if (ROOT / text.partition("::")[0]).exists()]
    options = [text for text in arguments if text not in paths]
    inside = [str(ROOT / text) for text in paths if (ROOT / text).is_relative_to(TESTS)]
    return options, inside if paths else [str(TESTS)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

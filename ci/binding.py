# SPDX-License-Identifier: BSD-3-Clause
"""Build the Python binding for targets: `python -m ci.binding [TARGET...]`, default native.

native: compiled in place, pylibbnn/_bnn.abi3.so. A foreign target gets build/TARGET/python with links to the Python sources
and its own extension module beside them, to be used as the working directory of build/TARGET/python3.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

from filelock import FileLock

from ci import toolchain
from ci.paths import ROOT
from ci.qemu import sysroot
from ci.qemu.targets import Target, find

MODULE = "_bnn.abi3.so"
PACKAGES = ("converter", "ci")  # plain Python that tests of the binding may import


def folder(target: Target) -> Path:
    """Return the folder from which Python can import the binding for a target."""
    return target.build / "python" if target.zig else ROOT


def build(target: Target) -> None:
    """Compile the extension module if a source is newer than it, one process at a time."""
    target.build.mkdir(parents=True, exist_ok=True)
    with FileLock(target.build / "binding.lock"):
        _build(target)


def _build(target: Target) -> None:
    recipe = runpy.run_path(str(ROOT / "pylibbnn" / "_build.py"))
    package = folder(target) / "pylibbnn"
    if target.zig:
        _link_sources(folder(target))
    if not _stale(package / MODULE):
        return
    if target.zig:
        _cross_compile(target, recipe, package / MODULE)
    else:
        toolchain.export_native_cc()
        recipe["compile_in"](package)


def _cross_compile(target: Target, recipe: dict[str, Any], module: Path) -> None:
    assert target.python is not None
    generated = module.with_name("_bnn.c")
    recipe["emit"](generated)
    command = toolchain.zig_cc(target.python.zig, target.options)
    includes = [f"-I{path}" for path in recipe["include_dirs"]()]
    files = [str(generated), *map(str, recipe["sources"]())]
    options = [*recipe["CFLAGS"], *includes, *sysroot.headers(target)]
    toolchain.run([*command, *options, "-shared", "-o", str(module), *files])


def _link_sources(tree: Path) -> None:
    """Link to the sources one by one: the package folder has its own extension module, not this machine's."""
    wanted = {tree / name: ROOT / name for name in PACKAGES}
    package = ROOT / "pylibbnn"
    sources = [*package.glob("*.py"), *(path.parent for path in package.glob("*/__init__.py"))]
    wanted |= {tree / "pylibbnn" / source.name: source for source in sources}
    for link, source in wanted.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(source)
    for link in (tree / "pylibbnn").glob("*.py"):
        if not link.exists():  # the source has gone
            link.unlink()


def _stale(module: Path) -> bool:
    if not module.is_file():
        return True
    sources = [ROOT / "pylibbnn" / "_build.py", *(ROOT / "libbnn").rglob("*")]
    return max(path.stat().st_mtime for path in sources) > module.stat().st_mtime


def main(names: list[str]) -> None:
    """Build for each named target."""
    for target in [find(name) for name in names or ["native"]]:
        build(target)
        print(f"built {(folder(target) / 'pylibbnn' / MODULE).relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])

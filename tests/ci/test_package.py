# SPDX-License-Identifier: BSD-3-Clause
"""What users build: the wheel runs outside of the clone; CMake projects and pkg-config find the library."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from ci import toolchain
from ci.paths import ROOT

pytestmark = pytest.mark.long

DATA = ROOT / "tests" / "binding" / "data"
LIBRARY = ROOT / "libbnn"

PROGRAM = """
#include <bnn/bnn.h>
int main(void) { return bnn_strerror(BNN_ERR_MAGIC)[0] == '\\0'; }
"""
PROJECT = """
cmake_minimum_required(VERSION 3.16)
project(user C)
{find}
add_executable(user main.c)
target_link_libraries(user {name})
"""


def run(folder: Path, *command: str | Path, **variables: str | Path) -> str:
    """Run a command with additional environment variables; return what it prints."""
    environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def cmake(source: Path, build: Path, *settings: str) -> None:
    """Configure and build a project."""
    program = toolchain.tool("cmake")
    ninja = ["-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={toolchain.tool('ninja')}"]
    run(source, program, "-S", source, "-B", build, *ninja, *settings)
    run(source, program, "--build", build)


def user(folder: Path, find: str, name: str) -> Path:
    """Write the project of somebody who uses the library."""
    folder.mkdir()
    (folder / "main.c").write_text(PROGRAM, encoding="utf-8")
    text = PROJECT.format(find=find, name=name)
    (folder / "CMakeLists.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix of an installed library."""
    folder = tmp_path_factory.mktemp("library")
    cmake(LIBRARY, folder / "build", f"-DCMAKE_INSTALL_PREFIX={folder / 'prefix'}")
    run(folder, toolchain.tool("cmake"), "--install", folder / "build")
    return folder / "prefix"


def test_wheel(tmp_path: Path) -> None:
    """The wheel, installed somewhere else: the binding computes, and the converter is there."""
    pip = (sys.executable, "-m", "pip", "--quiet")
    run(tmp_path, *pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    target = tmp_path / "installed"
    run(tmp_path, *pip, "install", "--no-deps", "--target", target, wheel)
    expected = np.load(DATA / "expected.npz")
    np.save(tmp_path / "x.npy", expected["image"])
    code = "import pylibbnn; print(pylibbnn.__file__)"
    module = run(tmp_path, sys.executable, "-c", code, PYTHONPATH=target)
    assert Path(module.strip()).is_relative_to(target)
    command = [sys.executable, "-m", "pylibbnn", "run", str(DATA / "tiny.dab"), "--isa", "c"]
    run(tmp_path, *command, "--input", "x.npy", "--output", "y.npy", PYTHONPATH=target)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected["scores"])
    helped = run(tmp_path, sys.executable, "-m", "converter", "--help", PYTHONPATH=target)
    assert "--moderate" in helped


def test_find_package(installed: Path, tmp_path: Path) -> None:
    source = user(tmp_path / "user", "find_package(bnn 0.1 REQUIRED)", "bnn::bnn")
    cmake(source, tmp_path / "build", f"-DCMAKE_PREFIX_PATH={installed}")
    run(tmp_path, tmp_path / "build" / "user")


def test_shared_library(installed: Path, tmp_path: Path) -> None:
    source = user(tmp_path / "user", "find_package(bnn 0.1 REQUIRED)", "bnn::bnn_shared")
    cmake(source, tmp_path / "build", f"-DCMAKE_PREFIX_PATH={installed}")
    run(tmp_path, tmp_path / "build" / "user")
    assert any(installed.rglob("libbnn.*0.1*"))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are exported")
def test_exported_names(installed: Path) -> None:
    """The shared library exports the functions of bnn.h, and nothing else."""
    header = (LIBRARY / "include" / "bnn" / "bnn.h").read_text(encoding="utf-8")
    public = re.findall(r"^(?!typedef)[A-Za-z][\w ]* \*?(bnn_\w+)\(", header, re.MULTILINE)
    library = next(installed.rglob("libbnn.so"))
    with library.open("rb") as stream:
        symbols = ELFFile(stream).get_section_by_name(".dynsym").iter_symbols()
        names = {symbol.name for symbol in symbols if symbol["st_shndx"] != "SHN_UNDEF"}
    assert names - {""} == set(public)


def test_bare_metal(tmp_path: Path) -> None:
    """Installed by a toolchain file of firmware, and found by a project that has the same one."""
    tools = tmp_path / "tools"
    toolchain.write_tools(tools, "thumb-freestanding-eabi", ["-mcpu=cortex_m3"])
    settings = [
        f"-DCMAKE_TOOLCHAIN_FILE={ROOT / 'examples' / 'firmware' / 'toolchain.cmake'}",
        f"-DFIRMWARE_CC={tools / 'cc'}",
        f"-DCMAKE_AR={tools / 'ar'}",
        f"-DCMAKE_RANLIB={tools / 'ranlib'}",
    ]
    prefix = tmp_path / "prefix"
    cmake(LIBRARY, tmp_path / "library", *settings, f"-DCMAKE_INSTALL_PREFIX={prefix}")
    run(tmp_path, toolchain.tool("cmake"), "--install", tmp_path / "library")
    assert {path.name for path in prefix.rglob("libbnn*")} == {"libbnn.a"}
    source = user(tmp_path / "user", "find_package(bnn 0.1 REQUIRED)", "bnn::bnn")
    cmake(source, tmp_path / "build", *settings, f"-Dbnn_DIR={prefix / 'lib' / 'cmake' / 'bnn'}")


def test_add_subdirectory(tmp_path: Path) -> None:
    source = user(tmp_path / "user", f'add_subdirectory("{LIBRARY.as_posix()}" bnn)', "bnn")
    cmake(source, tmp_path / "build")
    run(tmp_path, tmp_path / "build" / "user")


@pytest.mark.skipif(not shutil.which("pkg-config"), reason="this machine has no pkg-config")
def test_pkg_config(installed: Path, tmp_path: Path) -> None:
    (folder,) = (path.parent for path in installed.rglob("bnn.pc"))
    options = run(tmp_path, "pkg-config", "--cflags", "--libs", "bnn", PKG_CONFIG_PATH=folder)
    source = user(tmp_path / "user", "", "") / "main.c"
    run(tmp_path, *toolchain.native_cc(), source, *options.split(), "-o", tmp_path / "user.out")
    run(tmp_path, tmp_path / "user.out", LD_LIBRARY_PATH=folder.parent)

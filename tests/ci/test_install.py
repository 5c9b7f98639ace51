# SPDX-License-Identifier: BSD-3-Clause
"""Tools that install themselves: nothing half-written stays, and what is missing is said in full."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ci import selftest, toolchain
from ci.paths import ROOT, cache_dir, new_directory
from ci.qemu import apt, emulator, sysroot, system
from ci.qemu.targets import find


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without apt, pip and emulators: an empty PATH and cache, and no package index."""
    monkeypatch.setenv("LIBBNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(emulator, "WHEEL", "./no-such-wheel.whl")
    return tmp_path / "cache"


def test_new_directory_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    final = tmp_path / "final"
    with pytest.raises(FileNotFoundError), new_directory(final) as work:
        (work / "missing" / "file").touch()
    assert list(tmp_path.iterdir()) == []
    with new_directory(final) as work:
        (work / "file").touch()
        assert not final.exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["final", "file"]


def test_the_first_of_two_writers_wins(tmp_path: Path) -> None:
    with new_directory(tmp_path / "final") as late:
        with new_directory(tmp_path / "final") as early:
            (early / "early").touch()
        (late / "late").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["final", "early"]


def test_missing_emulator_is_explained(bare_machine: Path) -> None:
    assert emulator.find("qemu-aarch64") is None
    with pytest.raises(system.EmulatorError) as caught:
        emulator.install()
    for part in ("no qemu-aarch64 or qemu-arm", "no apt-get", "pip could not", "install Debian's"):
        assert part in str(caught.value)
    assert not any(bare_machine.rglob("bin"))


def test_missing_boards_are_explained(bare_machine: Path) -> None:
    assert emulator.find("qemu-system-arm") is None
    with pytest.raises(
        system.EmulatorError, match=r"no qemu-system-aarch64 or .* no apt-get; inst"
    ):
        system.install()
    assert not bare_machine.exists() or not any(bare_machine.iterdir())


def test_only_programs_and_their_libraries_stay(tmp_path: Path) -> None:
    loader = next(Path("/").glob("lib*/ld-linux-*.so.2"), None)
    if loader is None:
        pytest.skip("this machine's program loader is not where Linux has it on x86-64")
    (tmp_path / "lib64").mkdir()
    (tmp_path / "usr" / "bin").mkdir(parents=True)
    shutil.copy(loader, tmp_path / "lib64")
    for name in ("libused.so.1", "libunused.so.1"):
        compile_c(f"int {name[3:-5]};", tmp_path / "lib64" / name, "-shared", f"-Wl,-soname={name}")
    used = str(tmp_path / "lib64" / "libused.so.1")
    compile_c("extern int used; int main(void) { return used; }", tmp_path / "usr/bin/a", used)
    (tmp_path / "usr" / "bin" / "b").touch()
    apt.slim(tmp_path, ["usr/bin/a"])
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {loader.name, "libused.so.1", "a"}


def compile_c(text: str, output: Path, *options: str) -> None:
    command = [*toolchain.native_cc(), "-x", "c", "-", "-x", "none", "-fPIC", "-o", str(output)]
    subprocess.run([*command, *options], input=text, text=True, check=True)


def test_missing_packages_are_explained(bare_machine: Path) -> None:
    with pytest.raises(apt.AptError, match="this machine has no apt-get"):
        apt.unpack(["python3"], bare_machine)
    with pytest.raises(sysroot.SysrootError, match="no Python for armv7: this machine has no apt"):
        sysroot.install(find("armv7"))


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("1", 1)])
def test_missing_python_is_a_skip_locally_and_an_error_in_ci(
    ci: str,
    code: int,
    bare_machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CI", ci)
    assert selftest.main("aarch64", []) == code
    assert ("error: " if code else "skipped: ") in capsys.readouterr().out


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--require-targets"], 4)])
def test_target_that_cannot_run_is_a_skip_or_an_error(
    options: list[str], code: int, bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """code: pytest's 0 is all passed or skipped, 4 a wrong use of its command line."""
    monkeypatch.delenv("CI", raising=False)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--target=aarch64",
        *options,
    ]
    test = "tests/ci/test_targets.py::test_struct_layout"
    result = subprocess.run([*command, test], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == code, result.stdout
    found = result.stdout + result.stderr
    assert "aarch64: no qemu-aarch64" in found or "build/aarch64/probe is missing" in found


def test_unknown_target_is_refused() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--target=native,pdp11"]
    result = subprocess.run(
        [*command, "tests/ci"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 4
    assert "--target=pdp11: there are native, aarch64" in result.stderr
    with pytest.raises(SystemExit, match="unknown target 'pdp11': there are native, aarch64"):
        find("pdp11")


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("LIBBNN_CACHE", raising=False)
    assert cache_dir() == tmp_path / "libbnn"
    monkeypatch.setenv("LIBBNN_CACHE", str(tmp_path / "other"))
    assert cache_dir() == tmp_path / "other"


def test_binding_tests_among_arguments() -> None:
    everything = [str(ROOT / "tests" / "binding")]
    assert selftest.split(["-x", "-k", "run"]) == (["-x", "-k", "run"], everything)
    assert selftest.split(["-x", "tests/kernels"]) == (["-x"], [])
    named = "tests/binding/test_model.py::test_x"
    assert selftest.split([named, "tests/ci", "-q"]) == (["-q"], [str(ROOT / named)])

# SPDX-License-Identifier: BSD-3-Clause
"""The readers written in Python on hostile files, by atheris: `python -m ci.fuzz.readers TARGET FOLDER...` is one run of one.

A finding is any exception but the reader's own error, a file that takes longer than 20 seconds or more than 2 GB.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ci.fuzz.corpus import SEEDS
from ci.fuzz.onnx_mutator import change_onnx
from ci.fuzz.result import Result, ToolError, seed
from ci.paths import BUILD, ROOT, cache_dir, new_directory

WHEEL = "atheris>=2.3"  # the first that knows Python 3.11
WORK = BUILD / "fuzz"
LIMITS = ("-max_len=16384", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1")


def install() -> Path:
    """Return the folder of atheris, which is fetched into the user's cache if it is not there yet."""
    folder = cache_dir() / f"atheris-{sys.implementation.cache_tag}"
    if not folder.is_dir():
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
        ]
        with new_directory(folder) as work:
            command = [*pip, "--target", str(work), WHEEL]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if result.returncode:
                raise ToolError(result.stderr.strip().splitlines()[-1])
    return folder


# -- targets: what reads, what it may raise, and the files to start from -------------------------
def read_dab(data: bytes) -> None:
    """A .dab file."""
    from converter import dab

    with suppress(dab.DabError):
        dab.read(data)


def read_model(data: bytes, suffix: str, params: bytes | None = None) -> None:
    """A source model, through passes, lowering and writing."""
    from converter import lower, passes, sources
    from converter.errors import ConversionError

    with tempfile.TemporaryDirectory() as folder:
        path, beside = Path(folder) / f"model{suffix}", None
        path.write_bytes(data)
        if params is not None:
            beside = Path(folder) / "model.params"
            beside.write_bytes(params)
        with suppress(ConversionError):
            graph = sources.load(path, beside)
            passes.run(graph, passes.Mode.AGGRESSIVE)
            lower.lower(graph, {})


def read_mxnet(data: bytes) -> None:
    """A symbol and its parameters, the symbol's length in front."""
    size = int.from_bytes(data[:2], "little")
    read_model(data[2 : 2 + size], ".json", data[2 + size :])


def onnx_files() -> list[bytes]:
    """Those that once were wrong, which are small."""
    return [path.read_bytes() for path in sorted((ROOT / "tests").rglob("regressions/*.onnx"))]


def dabnn_files() -> list[bytes]:
    """One as the tests of this reader write it."""
    from legacy_dab import small

    return [small(channels).file() for channels in (8, 64)]


def mxnet_files() -> list[bytes]:
    """One in each version of the parameters."""
    from bmxnet import network, write_params

    symbol, params = network()
    head = len(symbol).to_bytes(2, "little")
    return [head + symbol + write_params(params, version) for version in (0, 1, 2)]


def dab_files() -> list[bytes]:
    """Those of the library's own target."""
    return [path.read_bytes() for path in sorted(SEEDS.glob("*.dab"))]


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]], Any]] = {
    "dab-python": (read_dab, dab_files, None),
    "onnx": (partial(read_model, suffix=".onnx"), onnx_files, change_onnx),
    "mxnet": (read_mxnet, mxnet_files, None),
    "dabnn": (partial(read_model, suffix=".dab"), dabnn_files, None),
}


def fuzz(name: str, seconds: int) -> Result:
    """Fuzz a target until the time is over or something is found."""
    path = [str(install()), str(ROOT), str(ROOT / "tests")]
    corpus, findings = WORK / f"corpus-{name}", WORK / "findings"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ci.fuzz.readers", name, f"-max_total_time={seconds}"]
    command += [*seed(), *LIMITS, f"-artifact_prefix={findings}/", str(corpus)]
    environment = {"PYTHONPATH": ":".join(path), "PYTHONHASHSEED": "0"}
    result = subprocess.run(
        command, env={**os.environ, **environment}, cwd=ROOT, capture_output=True, text=True,
        errors="replace", check=False,
    )  # fmt: skip
    printed = result.stdout + result.stderr
    count = re.search(r"stat::number_of_executed_units: +(\d+)", printed)
    executions = int(count[1]) if count else 0
    if result.returncode == 0 and executions:
        return Result(name, executions, seconds, [])
    kept = re.search(r"Test unit written to (\S+)", printed)
    report = [line for line in printed.splitlines() if not line.startswith(("#", "INFO"))]
    again = f"again: PYTHONPATH={':'.join(path)} {' '.join(command[:4])} {kept[1] if kept else ''}"
    return Result(name, executions, seconds, ["\n".join(report[-40:]) + "\n" + again])


def main(arguments: list[str]) -> None:
    """Run atheris in this process; it does not return."""
    import atheris

    name, *options = arguments
    with atheris.instrument_imports(include=["converter"]):
        from converter import dab, lower, passes, sources  # noqa: F401
        from converter.dabnn import read_dabnn  # noqa: F401
        from converter.mxnet import read_mxnet  # noqa: F401
    read, files, change = TARGETS[name]
    folders = [Path(option) for option in options if not option.startswith("-")]
    if folders and folders[0].is_dir():
        for number, data in enumerate(files()):
            (folders[0] / f"start-{number}").write_bytes(data)
    custom = {"custom_mutator": change} if change else {}
    atheris.Setup(["fuzz", *options], read, **custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])

# SPDX-License-Identifier: BSD-3-Clause
"""The command line: `python -m converter model.onnx --moderate`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from converter import __version__, lower, passes
from converter.errors import ConversionError
from converter.onnx_import import load
from converter.passes import Mode, SignZero
from converter.verify import verify

DESCRIPTION = """\
Convert a trained binary network from ONNX (opset 7 or newer) to a .dab file for libbnn.
A report says for every convolution and dense layer whether it became binary, and why."""

EPILOG = """\
exit status: 0 converted, 1 an error (one line on stderr, no file is written), 2 wrong usage

examples:
  python -m converter model.onnx                        writes model.dab
  python -m converter model.onnx --moderate --verify    and compares it with onnxruntime
  python -m converter model.onnx -o out/net.dab --strict --report report.json"""

MODES = {
    Mode.STRICT: "binary only where the graph says it in full: input through a sign, weight through "
    "a sign (or already -1 and +1)",
    Mode.MODERATE: "weights of two values +-alpha, and an input proven to have two values or padded "
    "with -1 (a missing sign is inserted)",
    Mode.AGGRESSIVE: "the weights decide; signs are inserted only in a graph that has none (default)",
}


def parser() -> argparse.ArgumentParser:
    """All options."""
    result = argparse.ArgumentParser(
        prog="python -m converter",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add("model", type=Path, metavar="model.onnx", help="the trained network")
    add("-o", "--output", type=Path, metavar="FILE", help="default: the model's name with .dab")
    modes = result.add_mutually_exclusive_group()
    for mode, text in MODES.items():
        modes.add_argument(
            f"--{mode.value}", dest="mode", action="store_const", const=mode, help=text
        )
    result.set_defaults(mode=Mode.AGGRESSIVE)
    add(
        "--binary-list",
        type=Path,
        metavar="FILE",
        help="names of convolution outputs, one a line, that become binary whatever their weights "
        "are: for timing, the results are not the model's",
    )
    add("--report", type=Path, metavar="FILE", help="write the report as JSON too")
    add(
        "--sign-zero",
        type=SignZero,
        choices=list(SignZero),
        default=SignZero.AUTO,
        metavar="+1|-1|error",
        help="what becomes of the 0 that ONNX's Sign gives for 0 and one bit cannot hold; default: "
        "+1 where only rounding leads there, else an error",
    )
    add(
        "--verify",
        action="store_true",
        help="run the result with pylibbnn and compare it with onnxruntime on random inputs",
    )
    return result


def convert(args: argparse.Namespace) -> None:
    """Do what the options say. Raises ConversionError; writes files only when all went well."""
    model: Path = args.model
    output: Path = args.output or model.with_suffix(".dab")
    _check_paths([model, args.binary_list], [output, args.report])
    names = _read_list(args.binary_list) if args.binary_list else []
    graph = load(model)
    try:
        report = passes.run(graph, mode=args.mode, binary_list=names, sign_zero=args.sign_zero)
        producer = f"libbnn converter {__version__}"
        metadata = {"producer": producer, "source": model.name, "mode": args.mode.value}
        data = lower.lower(graph, metadata=metadata)
        print(report)
        if args.verify:
            print(verify(model, data, report, -1 if args.sign_zero is SignZero.MINUS else 1))
    except ConversionError as error:
        raise ConversionError(f"{model}: {error}") from error
    files = {args.report: report.to_json().encode()} if args.report else {}
    _write({**files, output: data})
    print(f"{output}: {len(data)} bytes")


def _check_paths(read: list[Path | None], written: list[Path | None]) -> None:
    """What is written must be regular files, each another, and none of those that are read."""
    taken = {path.resolve() for path in read if path}
    for path in filter(None, written):
        if path.resolve() in taken:
            raise ConversionError(
                f"{path}: cannot be written: it has another use; choose another name"
            )
        if path.exists() and not path.is_file():
            raise ConversionError(f"{path}: cannot be written: it exists and is no regular file")
        taken.add(path.resolve())


def _read_list(path: Path) -> list[str]:
    """One name a line; blank lines do not count."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConversionError(f"{path}: the list of names cannot be read: {error}") from None
    return [line.strip() for line in lines if line.strip()]


def _write(files: dict[Path, bytes]) -> None:
    """Write all files as a whole, or none of them."""
    umask = os.umask(0)
    os.umask(umask)
    staged: dict[str, Path] = {}
    path = Path()
    try:
        for path, data in files.items():
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            staged[name] = path
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(name, 0o666 & ~umask)
        for name, path in list(staged.items()):
            os.replace(name, path)
            del staged[name]
    except OSError as error:
        raise ConversionError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        for name in staged:
            os.unlink(name)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    args = parser().parse_args(argv)
    try:
        convert(args)
    except ConversionError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

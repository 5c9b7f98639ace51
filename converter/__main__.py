# SPDX-License-Identifier: BSD-3-Clause
"""The command line: `python -m converter model.onnx --moderate`, `python -m converter explain model.onnx`."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from converter import (
    __version__,
    calibrate,
    effect,
    emit_c,
    explain,
    files,
    lower,
    passes,
    samples,
    sources,
)
from converter.errors import ConversionError
from converter.graph import Graph
from converter.options import DYNAMIC, parse
from converter.passes import SignZero
from converter.progress import Progress, Tell
from converter.report import Report
from converter.verify import verify


def convert(args: argparse.Namespace, tell: Tell) -> None:
    """Do what the options say. Raises ConversionError; writes files only when all went well."""
    model: Path = args.model
    output = _output(args)
    if args.emit == "c" and sources.is_converted(model):
        _export(args, output)
        return
    sources.check(model)
    dynamic = args.int8 == DYNAMIC
    calibration = None if dynamic else args.int8
    files.check_paths(
        [model, args.params, args.binary_list, calibration, args.test],
        [*_written(args, output), args.report],
    )
    graph, report = _recognise(args, tell)
    try:
        data = _lower(args, graph, report, tell)
        shown = samples.read(calibration, graph) if calibration else None
        tested = samples.read(args.test, graph) if args.test else shown
        tell("")
        if args.int8 is None:
            print(report.table(_width()))
        if args.verify is not None:
            zero = -1 if args.sign_zero is SignZero.MINUS else 1
            source = sources.as_onnx(model, args.params, dict(args.input_shape))
            result = verify(source, data, report, zero, args.verify, graph, tell)
            tell("")
            print(result)
        if args.int8 is not None:
            before = data
            if shown is None:
                calibrate.dynamic(graph, report)
            else:
                calibrate.static(graph, shown, report, args.percentile, tell)
            data = _lower(args, graph, report, tell)
            tell("")
            print(report.table(_width()))
            ranges = "ranges of each run" if shown is None else f"ranges of {args.int8}"
            changed = effect.measure(before, data, graph, tested, ranges)
            report.int8 = changed.to_dict()
            print(changed)
        written = _files(args, output, data)
    except ConversionError as error:
        raise ConversionError(f"{model}: {error}") from error
    reports = {args.report: report.to_json().encode()} if args.report else {}
    _write(args, written, reports)


def _export(args: argparse.Namespace, output: Path) -> None:
    """C source of a .dab file, in which all is settled that other options could say."""
    model: Path = args.model
    given = [
        args.verify is not None,
        args.report,
        args.int8,
        args.binary_list,
        args.params,
        args.test,
    ]
    if any(given):
        raise ConversionError(
            f"{model}: is converted already: only -o, --name, --unroll and --small go with --emit c"
        )
    files.check_paths([model], _written(args, output))
    try:
        written = _files(args, output, files.read(model))
    except ConversionError as error:
        raise ConversionError(f"{model}: {error}") from error
    _write(args, written, {})


def _output(args: argparse.Namespace) -> Path:
    """The .dab file, or the folder of C files."""
    model: Path = args.model
    plain = model.with_suffix(".dab") if args.emit == "dab" else model.with_name(f"{model.stem}_c")
    return args.output or plain


def _written(args: argparse.Namespace, output: Path) -> list[Path]:
    if args.emit == "dab":
        return [output]
    if output.exists() and not output.is_dir():
        raise ConversionError(f"{output}: is a file; --emit c writes several: give a folder")
    return [output / file for file in emit_c.file_names(_name(args), args.unroll)]


def _files(args: argparse.Namespace, output: Path, data: bytes) -> dict[Path, bytes]:
    """What is written for a converted model."""
    if args.emit == "dab":
        return {output: data}
    name = _name(args)
    unrolled = args.unroll
    sources = emit_c.emit_unrolled(data, name, args.small) if unrolled else emit_c.emit(data, name)
    return {output / file: text for file, text in sources.items()}


def _name(args: argparse.Namespace) -> str:
    return str(args.name or emit_c.names.model_name(args.model.stem))


def _write(
    args: argparse.Namespace, contents: dict[Path, bytes], report: dict[Path, bytes]
) -> None:
    """Write all files and say what was written."""
    if args.emit == "c":
        files.make_folder(next(iter(contents)).parent)
    files.write({**report, **contents})
    for path, content in contents.items():
        print(f"{path}: {len(content)} bytes")


def tell_story(args: argparse.Namespace, tell: Tell) -> None:
    """Print the table and the story of the layers, also where the network cannot be lowered (then it raises at the end)."""
    graph, report = _recognise(args, tell)
    rows = explain.chosen(report, args.node or [])
    failure: ConversionError | None = None
    try:
        _lower(args, graph, report, tell)
    except ConversionError as error:
        failure = error
    tell("")
    print(report.table(_width()))
    for row in rows:
        print(f"\n{explain.story(row, _width())}")
    if failure is not None:
        raise ConversionError(f"{args.model}: {failure}") from failure


def _recognise(args: argparse.Namespace, tell: Tell) -> tuple[Graph, Report]:
    """The graph after all passes, and what they report."""
    names = files.read_list(args.binary_list)
    tell(f"reading {args.model}")
    graph = sources.load(args.model, args.params, dict(args.input_shape))
    try:
        report = passes.run(
            graph, mode=args.mode, binary_list=names, sign_zero=args.sign_zero, tell=tell
        )
    except ConversionError as error:
        raise ConversionError(f"{args.model}: {error}") from error
    return graph, report


def _lower(args: argparse.Namespace, graph: Graph, report: Report, tell: Tell) -> bytes:
    """The .dab file; the report learns its sizes and what was fused."""
    tell("laying out the file")
    producer = f"libbnn converter {__version__}"
    metadata = {"producer": producer, "source": args.model.name, "mode": args.mode.value}
    return lower.lower(graph, metadata, report)


def _width() -> int | None:
    """Columns of the terminal; None where the output is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    args = parse(argv)
    try:
        with Progress() as tell:
            (tell_story if args.explain else convert)(args, tell)
    except ConversionError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

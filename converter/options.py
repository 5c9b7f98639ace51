# SPDX-License-Identifier: BSD-3-Clause
"""The options of the command line: `parse`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from converter import sources
from converter.emit_c.names import is_model_name
from converter.passes import Mode, SignZero
from converter.verify_inputs import RANDOM_INPUTS

DESCRIPTION = """\
Convert a trained binary network to a .dab file for libbnn: from ONNX (opset 7 or newer), from MXNet and BMXNet (a symbol
and --params), or from a .dab file of daBNN.
A report says for every convolution and dense layer whether it became binary, and why.
`python -m converter explain model.onnx` tells the same at length and writes nothing."""

EPILOG = """\
exit status: 0 converted, 1 an error (one line on stderr, no file is written), 2 wrong usage

examples:
  python -m converter model.onnx                        writes model.dab
  python -m converter model.onnx --moderate --verify    and compares it with onnxruntime
  python -m converter model.onnx -o out/net.dab --strict --report report.json
  python -m converter model.onnx --emit c -o firmware/net writes net/model.h, model.c, ...: docs/embedding.md
  python -m converter model.onnx --emit c --unroll      the same without anything to load: for microcontrollers
  python -m converter explain model.onnx --moderate --node conv2
                                                        why this layer is (not) binary
  python -m converter net-symbol.json --params net-0000.params --input-shape 1,3,32,32"""

EXPLAIN = """\
Say for every convolution and dense layer how it became binary or why it did not: where the values of its input come
from, what its weight holds, what was fused, and what the author of the model could change. Writes no file."""

DYNAMIC = Path("dynamic")  # as --int8 takes it

MODES = {
    Mode.STRICT: "binary only where the graph says it in full: input through a sign, weight through "
    "a sign (or already -1 and +1)",
    Mode.MODERATE: "weights of two values +-alpha, and an input proven to have two values or padded "
    "with -1 (a missing sign is inserted)",
    Mode.AGGRESSIVE: "the weights decide; signs are inserted only in a graph that has none (default)",
}


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says; `explain` tells the two commands apart. Exits with 2 on wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["explain"]:
        return explain_parser().parse_args(words[1:])
    parser = convert_parser()
    args = parser.parse_args(_counted(words))
    if args.unroll and args.emit != "c":
        parser.error("--unroll needs --emit c")
    if args.small and not args.unroll:
        parser.error(
            "--small needs --unroll; a library that loads models is small by BNN_CONFIG_SMALL=1"
        )
    if args.int8 is None and (args.test or args.percentile < 100):
        parser.error("--test and --percentile need --int8")
    if args.int8 == DYNAMIC and args.percentile < 100:
        parser.error("--percentile needs --int8 FILE.npz; ranges of each run hold all values")
    return args


def _counted(words: list[str]) -> list[str]:
    """`--verify model.onnx` means a model, not a number of inputs."""
    following = [*words, ""][1:]
    return [
        f"{word}={RANDOM_INPUTS}" if word == "--verify" and not after.isdigit() else word
        for word, after in zip(words, following, strict=True)
    ]


def convert_parser() -> argparse.ArgumentParser:
    """Options of a conversion."""
    result = _parser("", DESCRIPTION, EPILOG)
    add = result.add_argument
    add(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="default: the model's name with .dab; a folder for --emit c, default: the model's name with _c",
    )
    add(
        "--emit",
        choices=("dab", "c"),
        default="dab",
        help="what is written: a .dab file (default), or C source with the model and a function that runs it; for c, "
        "the model may be a .dab file, too",
    )
    add(
        "--name",
        type=_model_name,
        help="of the files and functions of --emit c; default: the model's",
    )
    add(
        "--unroll",
        action="store_true",
        help="with --emit c: ops as direct calls with constant states, for microcontrollers: no loader, no plan, little RAM",
    )
    add(
        "--small",
        action="store_true",
        help="with --unroll: float layers by their definition, slower with less code and memory (BNN_CONFIG_SMALL)",
    )
    add("--report", type=Path, metavar="FILE", help="write the report as JSON too")
    add(
        "--verify",
        nargs="?",
        type=_count,
        const=RANDOM_INPUTS,
        metavar="N",
        help="run the result with pylibbnn and compare it with onnxruntime on N random inputs "
        f"(default {RANDOM_INPUTS}) and on boundary values",
    )
    add(
        "--int8",
        type=Path,
        metavar="dynamic|FILE.npz",
        help="8 bits for the layers that stay non-binary. dynamic: the ranges of their inputs are found in each run; FILE has "
        "typical inputs that show the ranges, an array [samples, ...] named as the input (or x)",
    )
    add(
        "--percentile",
        type=_percentile,
        default=100.0,
        metavar="P",
        help="with --int8 FILE: ranges hold P %% of the values at either end, the rest saturates (default 100)",
    )
    add(
        "--test",
        type=Path,
        metavar="FILE.npz",
        help="with --int8: inputs on which the networks before and after are compared (default: those of --int8 FILE); with an "
        "array y or labels, the number of the right output, the accuracy of both is printed",
    )
    result.set_defaults(explain=False)
    return result


def explain_parser() -> argparse.ArgumentParser:
    """Options of `explain`."""
    result = _parser(" explain", EXPLAIN, "")
    result.add_argument(
        "--node",
        action="append",
        metavar="NAME",
        help="tell about this layer only (name of the node or of its output; may be given again)",
    )
    result.set_defaults(explain=True)
    return result


def _parser(command: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """What both commands understand: the model and how it is read."""
    result = argparse.ArgumentParser(
        prog=f"python -m converter{command}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add("model", type=Path, metavar="model.onnx", help="the trained network")
    sources.add_options(result)
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
    add(
        "--sign-zero",
        type=SignZero,
        choices=list(SignZero),
        default=SignZero.AUTO,
        metavar="+1|-1|error",
        help="what becomes of the 0 that ONNX's Sign gives for 0 and one bit cannot hold; default: "
        "+1 where only rounding leads there, else an error",
    )
    return result


def _percentile(text: str) -> float:
    share = float(text)
    if not 50 < share <= 100:
        raise argparse.ArgumentTypeError("it must be above 50 and at most 100")
    return share


def _model_name(text: str) -> str:
    if not is_model_name(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name for C files and functions: a letter, then letters, digits and _, not as words of C or "
            "C++ or its headers, and not beginning with bnn"
        )
    return text


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("the number of random inputs must not be negative")
    return number

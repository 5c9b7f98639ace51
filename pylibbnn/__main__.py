# SPDX-License-Identifier: BSD-3-Clause
"""Command line of pylibbnn: `python -m pylibbnn run|inspect|zoo`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converter import files
from converter.errors import ConversionError
from pylibbnn import BnnError, Model, isas, zoo
from pylibbnn.describe import describe
from pylibbnn.profile import profile

_EXAMPLE = """\
examples:
  python -m pylibbnn run model.dab --input x.npy --output y.npy
  python -m pylibbnn inspect model.dab
  python -m pylibbnn profile model.dab --sort
  python -m pylibbnn zoo bireal18 -o bireal18.onnx
Exit codes: 0 done, 1 the model or the data were refused, 2 wrong usage.
"""


class UserError(Exception):
    """Something the user gave cannot be used; the text names it."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pylibbnn",
        description="Run and look at .dab models.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="run|inspect|profile|zoo"
    )
    run = commands.add_parser("run", help="run a model on numpy arrays")
    run.add_argument("model", type=Path, help="the .dab file")
    run.add_argument(
        "--input",
        type=Path,
        required=True,
        metavar="X",
        help=".npy, or .npz with an array per input name",
    )
    run.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="Y",
        help=".npy, or .npz with an array per output name",
    )
    run.add_argument("--isa", help=f"instruction set to use at most; here: {', '.join(isas())}")
    run.set_defaults(work=_run)
    look = commands.add_parser("inspect", help="print a model's ops, shapes, bytes and memory")
    look.add_argument("model", type=Path, help="the .dab file")
    look.set_defaults(work=_inspect)
    _add_profile(commands)
    _add_zoo(commands)
    return parser


def _add_profile(commands: Any) -> None:
    spent = commands.add_parser(
        "profile", help="run a model on random inputs and print the time and the rate of each op"
    )
    spent.add_argument("model", type=Path, help="the .dab file")
    spent.add_argument("--isa", help=f"instruction set to use at most; here: {', '.join(isas())}")
    spent.add_argument("--threads", type=int, default=1, metavar="N", help="default 1")
    spent.add_argument("--repeat", type=int, default=20, metavar="N", help="runs; default 20")
    spent.add_argument("--sort", action="store_true", help="the slowest op first")
    spent.add_argument("--json", action="store_true", help="print JSON instead of a table")
    spent.set_defaults(work=_profile)


def _add_zoo(commands: Any) -> None:
    networks = "\n".join(f"  {name:<18} {network.title}" for name, network in zoo.NETWORKS.items())
    make = commands.add_parser(
        "zoo",
        help="write a published network with random weights as an ONNX file",
        epilog=f"networks:\n{networks}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    make.add_argument("name", metavar="NAME", choices=zoo.NETWORKS, help="one of those below")
    make.add_argument(
        "-o", "--output", type=Path, required=True, metavar="MODEL.onnx", help="the file to write"
    )
    for factor, what in (
        ("width", "channels of every layer"),
        ("image", "the image's height and width"),
        ("depth", "blocks of every stage"),
    ):
        make.add_argument(
            f"--{factor}",
            type=float,
            default=1.0,
            metavar="F",
            help=f"factor on {what} (default 1)",
        )
    make.set_defaults(work=_zoo)


def _load(path: Path, isa: str | None = None) -> Model:
    try:
        return Model(path, isa)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error


def _read_arrays(path: Path) -> Any:
    """Return the array of a .npy file, or a dict of those in a .npz file."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        return {name: loaded[name] for name in loaded.files}
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a .npy or .npz file of numbers ({error})") from error


def _write_arrays(path: Path, result: Any) -> None:
    """Write the result through a temporary file, so that an error leaves nothing behind."""
    arrays = result if isinstance(result, dict) else {"output": result}
    if path.suffix != ".npz" and len(arrays) > 1:
        raise UserError(
            f"{path}: the model has {len(arrays)} outputs: give a name that ends in .npz"
        )
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            if path.suffix == ".npz":
                np.savez(file, **arrays)
            else:
                np.save(file, next(iter(arrays.values())))
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise UserError(f"{path}: {error.strerror or error}") from error
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _check_output(path: Path, read: Sequence[Path]) -> None:
    """Refuse to replace what is no regular file, or what is read."""
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: is no regular file")
    if path.resolve() in [other.resolve() for other in read]:
        raise UserError(f"{path}: the output would replace a file that is read")


def _run(options: argparse.Namespace) -> None:
    _check_output(options.output, [options.model, options.input])
    model = _load(options.model, options.isa)
    data = _read_arrays(options.input)
    try:
        result = model.run(data)
    except (TypeError, ValueError) as error:
        raise UserError(f"{options.input}: {error}") from error
    _write_arrays(options.output, result)
    arrays = result if isinstance(result, dict) else {model.outputs[0].name: result}
    for name, array in arrays.items():
        print(f"{options.output}: {name} {list(array.shape)}")


def _inspect(options: argparse.Namespace) -> None:
    for line in describe(_load(options.model)):
        print(line)


def _zoo(options: argparse.Namespace) -> None:
    model = zoo.build(options.name, zoo.Scale(options.width, options.image, options.depth))
    data = model.SerializeToString()
    try:
        files.check_paths([], [options.output])
        files.write({options.output: data})
    except ConversionError as error:
        raise UserError(str(error)) from error
    shape = [size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim]
    print(f"{options.output}: {options.name}, image {shape}, {len(data)} bytes")


def _profile(options: argparse.Namespace) -> None:
    try:
        result = profile(options.model, options.isa, options.threads, options.repeat)
    except OSError as error:
        raise UserError(f"{options.model}: {error.strerror or error}") from error
    if options.json:
        print(json.dumps(result.json(), indent=1))
    else:
        print("\n".join(result.lines(options.sort)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.work(options)
    except (BnnError, UserError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

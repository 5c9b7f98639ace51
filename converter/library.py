# SPDX-License-Identifier: BSD-3-Clause
"""The compiled library, for options that need it."""

from __future__ import annotations

from typing import Any

from converter.dab_model import Model
from converter.errors import ConversionError
from converter.fold import first_line


def load(dab: bytes, option: str, isa: str | None = None) -> Any:
    """A pylibbnn.Model of a file. Raises ConversionError, which names the option, where there is no library."""
    try:
        import pylibbnn
    except ImportError as error:
        raise ConversionError(
            f"{option} needs pylibbnn with its compiled library ({first_line(error)}); "
            "install it with: pip install ."
        ) from None
    try:
        return pylibbnn.Model(dab, isa)
    except pylibbnn.BnnError as error:
        raise ConversionError(f"the library refuses the converted network: {error}") from error


def version() -> str:
    """Of the library that `load` has found: "MAJOR.MINOR.PATCH"."""
    import pylibbnn

    return str(pylibbnn.__version__)


def calls(dab: bytes, model: Model, small: bool) -> Any:
    """The pylibbnn._calls.Calls of a file that was read. Raises ConversionError, which names op and node."""
    loaded = load(dab, "--unroll", "c")
    from pylibbnn import CallError

    try:
        return loaded.calls(small)
    except CallError as error:
        op = model.ops[error.op]
        where = f"op {error.op}, {op.kind.name.lower()} ({op.name})"
        raise ConversionError(f"{where}: cannot be written as a call: {error}") from error

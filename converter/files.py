# SPDX-License-Identifier: BSD-3-Clause
"""Files of the command line: what is read and written, all or nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from converter.errors import ConversionError


def check_paths(read: Iterable[Path | None], written: Iterable[Path | None]) -> None:
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


def read_list(path: Path | None) -> list[str]:
    """One name a line; blank lines do not count. No file: no names."""
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConversionError(f"{path}: the list of names cannot be read: {error}") from None
    return [line.strip() for line in lines if line.strip()]


def read(path: Path) -> bytes:
    """A file's content. Raises ConversionError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConversionError(f"{path}: cannot be read: {error.strerror}") from None


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, unless it is there. Raises ConversionError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConversionError(f"{path}: the folder cannot be made: {error.strerror}") from None


def write(files: Mapping[Path, bytes]) -> None:
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

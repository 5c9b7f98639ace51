# SPDX-License-Identifier: BSD-3-Clause
"""Where things are: the checkout, its build folder, and the user's cache of downloaded tools."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"


def cache_dir() -> Path:
    """Return the folder of emulators, target systems and compiler caches, shared by all clones of a user."""
    explicit = os.environ.get("LIBBNN_CACHE")
    if explicit:
        return Path(explicit).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "libbnn"


@contextmanager
def new_directory(final: Path) -> Iterator[Path]:
    """Yield a fresh folder that becomes `final` only if the body succeeds, so that `final` is never half-written.

    Where somebody else made `final` meanwhile, theirs stays.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    try:
        yield work
        work.chmod(0o755)
        try:
            work.rename(final)
        except OSError:
            if not final.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)

# SPDX-License-Identifier: BSD-3-Clause
"""A line on the terminal that says what a long run is doing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

#: What long functions call with a few words about what comes next.
Tell = Callable[[str], None]

PATIENCE = 2.0  # seconds before the line appears
ERASE = "\r\x1b[K"


def silent(_: str) -> None:
    """Tell nobody."""


class Progress:
    """`with Progress() as tell:` shows the latest `tell(text)` on one line, which goes away at the end.

    It appears after `PATIENCE` seconds, and only on a terminal: logs and pipes stay clean.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._text, self._shown = "", False
        self._lock = threading.Lock()
        self._timer = threading.Timer(PATIENCE, self._appear)
        self._timer.daemon = True

    def __enter__(self) -> Tell:
        if not self._stream.isatty():
            return silent
        self._timer.start()
        return self._tell

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._shown:
                self._write("")
            self._shown = False

    def _tell(self, text: str) -> None:
        with self._lock:
            self._text = text
            if self._shown:
                self._write(text)

    def _appear(self) -> None:
        with self._lock:
            self._shown = True
            self._write(self._text)

    def _write(self, text: str) -> None:
        self._stream.write(f"{ERASE}{text}")
        self._stream.flush()

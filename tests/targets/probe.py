# SPDX-License-Identifier: BSD-3-Clause
"""The tester's end of the call server tests/probe/probe.c."""

from __future__ import annotations

import enum
import os
import select
import signal
import struct
import subprocess
from collections.abc import Sequence

from targets.memory import Memory

TIMEOUT = (
    300.0  # seconds; far beyond every request, so that a kernel that never ends fails its test
)

_REQUEST = struct.Struct("<II6Q")
_REPLY = struct.Struct("<iiQ")


class Op(enum.IntEnum):
    """Requests, as in probe.c."""

    HELLO = 0
    GUARD = 1
    CALL = 2
    OPEN = 3
    PLAN = 4
    RUN = 5
    INPUT = 6
    OUTPUT = 7
    TENSOR = 8
    VERIFY = 9


class TargetError(Exception):
    """The program under test crashed, hung or could not start."""


class Probe:
    """One running server; it starts itself again after a crash."""

    def __init__(self, command: Sequence[str], memory: Memory) -> None:
        """command: starts the server with the memory's file."""
        self.command = list(command)
        self.memory = memory
        self._base = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> int:
        """Address of the memory in the server; another one after a crash."""
        if self._process is None:
            self._start()
        return self._base

    def request(self, op: Op, index: int = 0, args: Sequence[int] = ()) -> tuple[int, int]:
        """Send one request and return (status, value), or raise TargetError after a crash."""
        if self._process is None:
            self._start()
        return self._exchange(op, index, args)

    def hello(self) -> str:
        """Return what the server says about itself."""
        if self._process is None:
            return self._start()
        self._base = self._exchange(Op.HELLO, 0, ())[1]
        return self.memory.text()

    def stop(self) -> str:
        """End the server and return what it wrote to standard error."""
        process, self._process = self._process, None
        if process is None:
            return ""
        process.kill()
        return process.communicate()[1].decode("utf-8", "replace").strip()

    def finish(self) -> None:
        """Let the server end by itself, as programs that watch it need."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate(timeout=TIMEOUT)

    def _start(self) -> str:
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        text = self.hello()
        for offset, nbytes in self.memory.guards:
            status, _ = self._exchange(Op.GUARD, 0, (self._base + offset, nbytes))
            if status:
                raise TargetError("the server could not protect its guard pages")
        return text

    def _exchange(self, op: Op, index: int, args: Sequence[int]) -> tuple[int, int]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        words = [arg & 0xFFFF_FFFF_FFFF_FFFF for arg in args]
        self.memory.clear_text()
        try:
            os.write(
                self._process.stdin.fileno(),
                _REQUEST.pack(op, index, *words, *[0] * (6 - len(words))),
            )
        except BrokenPipeError:
            raise TargetError(f"{self.command[0]} ended: {self.stop()}") from None
        status, number, value = _REPLY.unpack(self._read(self._process.stdout.fileno()))
        if number:
            self.stop()
            raise TargetError(f"{signal.Signals(number).name} at {value:#x}: {self._where(value)}")
        return status, value

    def _read(self, stream: int) -> bytes:
        data = b""
        while len(data) < _REPLY.size:
            if not select.select([stream], [], [], TIMEOUT)[0]:
                self.stop()
                raise TargetError(f"no answer within {TIMEOUT:.0f} s")
            part = os.read(stream, _REPLY.size - len(data))
            if not part:
                raise TargetError(f"{self.command[0]} ended without an answer: {self.stop()}")
            data += part
        return data

    def _where(self, address: int) -> str:
        return self.memory.describe(address - self._base)

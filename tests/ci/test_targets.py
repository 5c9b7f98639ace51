# SPDX-License-Identifier: BSD-3-Clause
"""The test machinery itself: it must see what it is there to see, on every machine alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from targets import DabError, Kernel, Target, TargetError

SLOT = "max_bits"  # out[i] &= x[i] for n bytes: the simplest kernel there is


def need_guards(target: Target) -> None:
    if not target.machine.probe.memory.guards:
        pytest.skip(f"{target.cpu}: its memory protection has no regions to spare for guards")


def test_call(kernel: Kernel, target: Target) -> None:
    x = np.arange(40, dtype=np.uint8)
    out = target.put(np.full(40, 0x3C, np.uint8))
    kernel(out, target.put(x), 40)
    assert np.array_equal(target.get(out), x & 0x3C)


@pytest.mark.parametrize("misalign", [0, 1, 3])
@pytest.mark.parametrize("at", ["start", "end"])
def test_places(kernel: Kernel, target: Target, at: str, misalign: int) -> None:
    x = np.arange(64, dtype=np.uint8)
    out = target.put(np.full(64, 0xFF, np.uint8), at=at, misalign=misalign, align=16)
    assert (target.address(out) + (misalign if at == "end" else -misalign)) % 16 == 0
    kernel(out, target.put(x, at=at, misalign=misalign), 64)
    assert np.array_equal(target.get(out), x)


def test_read_behind_the_end_is_caught(kernel: Kernel, target: Target) -> None:
    need_guards(target)
    out = target.empty(64)
    x = target.empty(63)
    with pytest.raises(TargetError, match=r"SIG\w+ at .* bytes behind the end of buffer 1"):
        kernel(out, x, 64)


def test_access_before_the_start_is_caught(kernel: Kernel, target: Target) -> None:
    need_guards(target)
    x = target.empty(64, at="start")
    with pytest.raises(TargetError, match=r"SIG\w+ at .* -1 bytes from the start of buffer 0"):
        kernel(target.address(x) - 1, x, 1)


def test_write_into_a_margin_is_caught(kernel: Kernel, target: Target) -> None:
    out = target.put(np.zeros(16, np.uint8), at="start")
    with pytest.raises(TargetError, match="wrote up to 3 bytes behind the end of buffer 0"):
        kernel(out, target.put(np.zeros(19, np.uint8)), 19)


def test_write_into_the_margin_before_is_caught(kernel: Kernel, target: Target) -> None:
    out = target.put(np.zeros(16, np.uint8), at="end")
    with pytest.raises(TargetError, match="wrote up to 2 bytes before the start of buffer 0"):
        kernel(target.address(out) - 2, target.put(np.zeros(2, np.uint8)), 2)


def test_server_lives_on_after_a_crash(kernel: Kernel, target: Target) -> None:
    need_guards(target)
    for _ in range(2):
        behind = target.address(target.empty(64)) + 64
        with pytest.raises(TargetError, match=r"SIG(SEGV|BUS)"):
            kernel(behind, behind, 1)
    test_call(kernel, target)


def test_struct_layout(target: Target) -> None:
    x = target.put(np.zeros(4, np.uint8))
    made = target.struct(
        ("u8", 1), ("ptr", x), ("u16", [2, 3]), ("size", 4), ("f32", 0.5), ("ptr", None)
    )
    data, word = target.get(made).tobytes(), target.pointer_bytes
    offsets = [0, word, 2 * word, 2 * word + max(4, word), 3 * word + max(4, word)]
    values = [1, target.address(x), 2 | 3 << 16, 4, 0x3F000000]
    for offset, value, width in zip(offsets, values, [1, word, 4, word, 4], strict=True):
        assert int.from_bytes(data[offset : offset + width], "little") == value
    assert len(data) % word == 0
    assert data[-word:] == bytes(word)


def test_memory_is_given_back(target: Target) -> None:
    sizes = [size for _, size in target.machine.probe.memory.regions]
    most = max(sizes) - 16
    big = [target.empty(most) for size in sizes if size > most]
    with pytest.raises(MemoryError, match="no free region"):
        target.empty(most)
    again = Target(target.machine)
    assert target.address(again.empty(most)) == target.address(big[0])


@pytest.mark.parametrize("damage", [lambda dab: b"", lambda dab: b"nonsense" * 16])
def test_refused_model(target: Target, damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DabError) as caught:
        target.load(damage(b""))
    assert caught.value.status < 0
    assert caught.value.what


def test_every_instruction_set_is_run_and_absent(target: Target, isa: str | None) -> None:
    """Collection picked a cpu that has the instruction set; plain C runs everywhere."""
    assert isa is None or target.machine.isas[isa]
    assert target.isas[0] == "c"

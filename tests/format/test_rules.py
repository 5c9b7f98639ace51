# SPDX-License-Identifier: BSD-3-Clause
"""Every rule of docs/dab-format.md broken once: the Python reader and the library name the same error."""

from __future__ import annotations

from pathlib import Path

import pytest

import targets.target
from converter import dab
from converter.dab_model import Place, Status
from format.built import BUILT
from format.patch import File
from format.rules import RULES, Rule
from format.verdict import Verdict, by_library, by_reader
from targets import Target

GOOD = (Path(__file__).parent / "all_ops.dab").read_bytes()


def broken(rule: Rule) -> tuple[bytes, Verdict]:
    _, change, place, index, *status = rule
    file = File(GOOD)
    change(file)
    data = bytes(file.data) if file.header("file_size") > len(file.data) else file.sealed()
    return data, (status[0] if status else Status.FORMAT, place, index)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[0])
def test_reader(rule: Rule) -> None:
    data, error = broken(rule)
    assert by_reader(data) == error


@pytest.mark.one_cpu
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[0])
def test_library(target: Target, rule: Rule) -> None:
    data, error = broken(rule)
    assert by_library(target, data) == error


@pytest.mark.parametrize(("name", "make", "place", "index"), BUILT, ids=[row[0] for row in BUILT])
def test_built_reader(name: str, make: object, place: Place, index: int) -> None:
    assert callable(make)
    assert by_reader(make()) == (Status.FORMAT, place, index)


@pytest.mark.one_cpu
@pytest.mark.parametrize(("name", "make", "place", "index"), BUILT, ids=[row[0] for row in BUILT])
def test_built_library(target: Target, name: str, make: object, place: Place, index: int) -> None:
    assert callable(make)
    assert by_library(target, make()) == (Status.FORMAT, place, index)


def test_names_are_unique() -> None:
    names = [rule[0] for rule in RULES] + [row[0] for row in BUILT]
    assert len(names) == len(set(names))


def test_checksum() -> None:
    data = bytearray(GOOD)
    data[16] ^= 1
    assert by_reader(bytes(data)) == (Status.CHECKSUM, Place.HEADER, 0)
    assert dab.read(bytes(data), verify=False).outputs


@pytest.mark.one_cpu
def test_checksum_in_library(target: Target) -> None:
    target.load(GOOD).verify()
    data = bytearray(GOOD)
    data[16] ^= 1
    with pytest.raises(targets.target.DabError) as error:
        Target(target.machine).load(bytes(data)).verify()
    assert error.value.status == Status.CHECKSUM

# SPDX-License-Identifier: BSD-3-Clause
"""Mutations of ONNX files that stay what protobuf reads."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

Field = tuple[Any, str, int | None]  # message, field, index where the field is a list


def change_onnx(data: bytes, most: int, seed: int) -> bytes:
    """Change a field of a node, of a tensor or of a shape; the file stays one that protobuf reads."""
    import atheris
    import onnx

    rng = random.Random(seed)  # noqa: S311
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception:  # protobuf's own type of it differs from version to version
        return bytes(atheris.Mutate(data, most))
    fields = list(_numbers_and_texts(model))
    for _ in range(rng.randint(1, 3) if fields and rng.random() < 0.9 else 0):
        message, name, index = rng.choice(fields)
        _set(message, name, index, _another(rng, _get(message, name, index), fields))
    changed = model.SerializeToString()
    return (
        changed if len(changed) <= most and changed != data else bytes(atheris.Mutate(data, most))
    )


def _numbers_and_texts(message: Any) -> Iterator[Field]:
    """Yield (message, field, index or None) of all values in a message, deep down."""
    for field, value in message.ListFields():
        several = isinstance(value, (str, bytes, int, float)) is False and hasattr(value, "__len__")
        for index, one in enumerate(value) if several else [(None, value)]:
            if hasattr(one, "ListFields"):
                yield from _numbers_and_texts(one)
            else:
                yield message, field.name, index


def _get(message: Any, name: str, index: int | None) -> Any:
    return getattr(message, name) if index is None else getattr(message, name)[index]


def _set(message: Any, name: str, index: int | None, value: Any) -> None:
    """Set a field; a value that it cannot have leaves it."""
    try:
        if index is None:
            setattr(message, name, value)
        else:
            getattr(message, name)[index] = value
    except (ValueError, TypeError):
        return


def _another(rng: random.Random, old: Any, fields: list[Field]) -> Any:
    """Return a value that a field might have where it has `old`, often that of another field."""
    same = [
        value
        for message, name, index in rng.sample(fields, min(len(fields), 20))
        for value in [_get(message, name, index)]
        if type(value) is type(old)
    ]
    if same and rng.random() < 0.5:
        return rng.choice(same)
    if isinstance(old, bytes):
        cut = rng.randrange(len(old) + 1)
        return old[:cut] + rng.randbytes(rng.randrange(9)) + old[cut + rng.randrange(9) :]
    if isinstance(old, str):
        return rng.choice(["", old + "x", old[:-1], "x"])
    if isinstance(old, float):
        return rng.choice([0.0, -old, float("nan"), float("inf"), 1e38, old / 2])
    return rng.choice([0, 1, -1, 2, old + 1, old - 1, -old, 2**31, 2**62, -(2**63), 65536])

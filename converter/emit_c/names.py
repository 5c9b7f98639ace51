# SPDX-License-Identifier: BSD-3-Clause
"""Names of a model's tensors as C can have them. They come from strangers: any text may stand there."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST = 40  # characters; longer names make signatures unreadable

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
PARAMETER = re.compile(r"[a-z][a-z0-9_]*")

#: Words of C and C++, macros in small letters that headers or compilers define, and names that the written code has.
WORDS = """
alignas alignof and and_eq asm assert auto bitand bitor bool break case catch char char16_t char32_t char8_t class co_await
co_return co_yield compl complex concept const const_cast consteval constexpr constinit continue decltype default delete do
double dynamic_cast else enum errno explicit export extern false float for friend goto i386 if imaginary inline int linux long
mutable namespace near far new noexcept noreturn not not_eq nullptr operator or or_eq plan private protected public register
reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast stderr stdin stdout struct
switch template this thread_local throw true try typedef typeid typename typeof typeof_unqual union unix unsigned using virtual
void volatile wchar_t while xor xor_eq
arena compute copy float_t int8_t int32_t size_t uint8_t
"""
#: Headers of C: a file of such a name would stand in front of them.
HEADERS = """
complex ctype errno fenv float inttypes limits locale math memory setjmp signal stdalign stdarg stdatomic stdbool stddef
stdint stdio stdlib stdnoreturn string strings threads time types uchar unistd wchar wctype
"""
_WORDS = frozenset(WORDS.split())
_NOT_FOR_FILES = _WORDS.union(HEADERS.split())


def _cleaned(text: str) -> str:
    """Letters, digits and single underscores, none of these at an end."""
    return re.sub(r"[^A-Za-z0-9]+", "_", text)[:MOST].strip("_")


def is_model_name(name: str) -> bool:
    """Whether functions, macros and files may begin with it: no word of C or C++, no header, nothing of the library's."""
    taken = name.lower().startswith("bnn") or name.lower() in _NOT_FOR_FILES
    return IDENTIFIER.fullmatch(name) is not None and len(name) <= MOST and not taken


def model_name(text: str) -> str:
    """A name for the model out of any text, such as its file's."""
    name = text if is_model_name(text) else _cleaned(text)
    return name if is_model_name(name) else f"model_{name}"[:MOST].rstrip("_")


def parameters(names: Iterable[tuple[str, str]]) -> list[str]:
    """Names of parameters out of (direction, tensor's name), each once: its own where C allows it, else `in_...`, `out_...`."""
    result: list[str] = []
    for direction, text in names:
        name = _cleaned(text)
        if not PARAMETER.fullmatch(name) or name in _WORDS or name.startswith("bnn_"):
            name = f"{direction}_{name}".rstrip("_")
        free, number = name, 1
        while free in result:
            number += 1
            free = f"{name}_{number}"
        result.append(free)
    return result


def comment(text: str) -> str:
    """Any text as part of a comment: it neither ends it nor begins another, nor makes a trigraph."""
    return re.sub(r"[^A-Za-z0-9_.:+,()\[\]= -]", "_", text)[: 2 * MOST]

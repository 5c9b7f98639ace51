# SPDX-License-Identifier: BSD-3-Clause
"""The library as a few files for firmware projects: `python -m ci.amalgamate [FOLDER]`, default build/amalgamation.

bnn.h is the public header, bnn.c the portable library: all sources but the architecture folders, one behind the other, every
header where it is first included. Names of file scope that several sources have get the name of their source in front.
bnn_calls.h and bnn_called.h are what models written as calls include (converter/emit_c).
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ci.paths import BUILD, ROOT

SOURCES = ROOT / "libbnn" / "src"
FOLDERS = (SOURCES, ROOT / "libbnn" / "include")  # of included files
PUBLIC = ("bnn/bnn.h", "bnn/config.h")
PARTS = (".", "generic", "ops")

SPDX = "/* SPDX-License-Identifier: BSD-3-Clause"
INCLUDE = re.compile(r'^\s*#include "(.+)"\n', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/[ \t]*\n?", re.DOTALL)
# What clang-format leaves at the first column where a name of file scope is made.
FILE_SCOPE = (
    re.compile(r"^static [^=;({]*?\b(\w+)(?=[\[(=; ]*(?:\[|\(|=|;))", re.MULTILINE),
    re.compile(r"^(?:static const )?(?:struct|union|enum) (\w+) \{", re.MULTILINE),
    re.compile(r"^typedef [^;]*?\b(\w+)(?: __attribute__.*|\(.*)?;", re.MULTILINE),
)
ENUMERATORS = re.compile(r"^enum[ \w]*\{([^}]*)\};", re.MULTILINE)
MACRO = re.compile(r"^#define (\w+)", re.MULTILINE)
TOKEN = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'|\w+|.", re.DOTALL
)

CALLS, CALLED = "bnn_calls.h", "bnn_called.h"

HEAD = """\
/* libbnn: inference of binary neural networks, in one file.
 *
 * Add bnn.c and bnn.h to a project; nothing else is needed. These are the portable kernels, for every processor that is
 * little-endian. bnn.h has the documentation and every BNN_CONFIG_* switch.
 *
{license}
 */
"""

PORTABLE = """\
#include "bnn.h"

#undef BNN_CONFIG_GENERIC_ONLY
#define BNN_CONFIG_GENERIC_ONLY 1 /* assembly needs its own files */
"""

SETTINGS = (
    PORTABLE
    + """\

/* Never fused multiply-adds: floats are to be the same bits on every machine. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif
"""
)


def sources() -> list[Path]:
    """Return the portable sources, in the order in which they are written."""
    return [path for part in PARTS for path in sorted((SOURCES / part).glob("*.c"))]


def header() -> str:
    """Return the text of bnn.h: the public header with the switches inside."""
    return _head() + "".join(_Writer().file("bnn/bnn.h", SOURCES))


def library() -> str:
    """Return the text of bnn.c."""
    writer = _Writer(PUBLIC)
    texts = {path: path.read_text(encoding="utf-8") for path in sources()}
    count = Counter(name for text in texts.values() for name in file_scope(text))
    for text in _headers():
        count.update(file_scope(text))
    shared = {name for name, number in count.items() if number > 1}
    parts = [_head(), SETTINGS]
    for path, text in texts.items():
        renamed = rename(text, {n: f"{_label(path)}_{n}" for n in file_scope(text) & shared})
        parts += [f"\n/* == {path.relative_to(SOURCES).as_posix()} == */\n"]
        parts += writer.text(renamed, path.parent)
        own = sorted(set(MACRO.findall(text)) - set(re.findall(r"#undef (\w+)", text)))
        parts += [f"#undef {name}\n" for name in own]
    return "".join(parts)


def calls() -> str:
    """Return the text of bnn_calls.h: the header of this name with the library's others inside."""
    return "".join([_head(), PORTABLE, "\n", *_Writer(PUBLIC).file(CALLS, SOURCES)])


def called() -> str:
    """Return the text of bnn_called.h, likewise."""
    return "".join([_head(), *_Writer(PUBLIC).file(CALLED, SOURCES)])


FILES = {"bnn.c": library, "bnn.h": header, CALLS: calls, CALLED: called}


def write(folder: Path) -> None:
    """Write all files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(text(), encoding="utf-8")


def file_scope(text: str) -> set[str]:
    """Return the names that a source makes at file scope, macros and external names aside."""
    code = COMMENT.sub("\n", text)
    names = {name for pattern in FILE_SCOPE for name in pattern.findall(code)}
    for body in ENUMERATORS.findall(code):
        names |= {part.split("=")[0].strip() for part in body.split(",")}
    return {name for name in names if re.fullmatch(r"[A-Za-z]\w*", name)}


def _headers() -> Iterator[str]:
    for path in sorted(SOURCES.rglob("*.h")):
        if path.parent.relative_to(SOURCES).as_posix() in PARTS:
            yield path.read_text(encoding="utf-8")


def _label(path: Path) -> str:
    """Return what distinguishes a source: its name, with its folder unless that is ops."""
    return path.stem if path.parent.name in {"ops", "src"} else f"{path.parent.name}_{path.stem}"


def rename(text: str, names: dict[str, str]) -> str:
    """Give names of file scope other names; members of structs, behind a dot or an arrow, keep theirs."""
    result = ""
    for token in TOKEN.findall(text):
        member = result.endswith((".", "->"))
        result += token if member else names.get(token, token)
    return result


def _head() -> str:
    license_text = (ROOT / "LICENSE").read_text(encoding="utf-8").strip()
    lines = "\n".join(f" * {line}".rstrip() for line in license_text.splitlines())
    return f"{SPDX} */\n{HEAD.format(license=lines)}\n"


class _Writer:
    """Writes included files in the place of their first inclusion, and tables (.def) in every place."""

    def __init__(self, known: tuple[str, ...] = ()) -> None:
        self.known = {self._find(name, SOURCES) for name in known}

    def file(self, name: str, folder: Path) -> Iterator[str]:
        path = self._find(name, folder)
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".def":
            text = COMMENT.sub("", text) if path in self.known else text
        elif path in self.known:
            return
        self.known.add(path)
        yield from self.text(text, path.parent)

    def text(self, text: str, folder: Path) -> Iterator[str]:
        text = text.replace(f"{SPDX} */\n", "").replace(f"{SPDX}\n *\n * ", "/* ")
        at = 0
        for found in INCLUDE.finditer(text):
            yield text[at : found.start()]
            yield from self.file(found[1], folder)
            at = found.end()
        yield text[at:]

    @staticmethod
    def _find(name: str, folder: Path) -> Path:
        for place in (folder, *FOLDERS):
            if (place / name).is_file():
                return (place / name).resolve()
        raise SystemExit(f"{name}: included in {folder}, but not there")


def main(arguments: list[str]) -> None:
    """Write the files and say how large they are."""
    folder = Path(arguments[0]) if arguments else BUILD / "amalgamation"
    write(folder)
    for name in FILES:
        lines = (folder / name).read_text(encoding="utf-8").count("\n")
        print(f"wrote {folder / name}: {lines} lines")


if __name__ == "__main__":
    main(sys.argv[1:])

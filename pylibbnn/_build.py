# SPDX-License-Identifier: BSD-3-Clause
"""Build the extension module `pylibbnn._bnn` (cffi, API mode, stable ABI): `python pylibbnn/_build.py`.

The C header is the only declaration of the API: its marked region and its prototypes are given to cffi as they stand.
CMake (wheels) and ci (foreign targets) take the generated C file from `--emit`; without options the module is compiled
in place for development.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cffi

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "libbnn"
HEADER = LIBRARY / "include" / "bnn" / "bnn.h"
THREADS = LIBRARY / "threads"
PROFILE = LIBRARY / "profile"
EXPORT = LIBRARY / "export"
MODULE = "pylibbnn._bnn"
CFLAGS = ["-std=c11", "-O2", "-fPIC", "-pthread", "-ffp-contract=off", "-fvisibility=hidden"]

# Beyond the public header: what kernel-level tests and benchmarks need (libbnn/src/kernels.h).
KERNEL_CDEF = """
typedef struct { const char *slot; const char *isa; uint32_t features; } pybnn_variant;
size_t bnn_variant_count(void);
int pybnn_variant_at(size_t index, pybnn_variant *out);
uint32_t bnn_cpu_features(void);
void pybnn_call(size_t index, const size_t *arguments);
"""

SOURCE = """
#include "batch.h"
#include "bnn/bnn.h"
#include "bound.h"
#include "calls.h"
#include "kernels.h"
#include "ops/states.h"
#include "times.h"

typedef struct { const char *slot; const char *isa; uint32_t features; } pybnn_variant;

static int pybnn_variant_at(size_t index, pybnn_variant *out)
{
    const struct bnn_variant *variant = bnn_variant_at(index);
    if (variant == NULL) {
        return -1;
    }
    const struct bnn_isa *isa = bnn_isa_at(variant->isa);
    out->slot = variant->slot_name;
    out->isa = isa->name;
    out->features = isa->features;
    return 0;
}

/* Kernels take up to six pointers and sizes; surplus arguments do not disturb the callee in any supported ABI. */
static void pybnn_call(size_t index, const size_t *a)
{
    typedef void call(size_t, size_t, size_t, size_t, size_t, size_t);
    ((call *)bnn_variant_at(index)->fn)(a[0], a[1], a[2], a[3], a[4], a[5]);
}
"""


def _marked(header: Path) -> tuple[str, str]:
    """Return a header's marked region and what is behind it."""
    text = header.read_text(encoding="utf-8")
    marked = re.search(r"/\* \[cffi\].*?\*/(.*?)/\* \[cffi end\] \*/(.*)", text, re.S)
    if marked is None:
        raise SystemExit(f"{header}: the [cffi] region is missing")
    return marked[1], marked[2]


def _states() -> str:
    """Return the structs of ops/states.h and those that they refer to; cffi compares them with the compiler's."""
    known: dict[str, str] = {}
    for header in sorted([*(LIBRARY / "src").glob("*.h"), *(LIBRARY / "src" / "ops").glob("*.h")]):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(encoding="utf-8"), flags=re.S)
        for found in re.finditer(r"^(?:struct|enum) (\w+) \{\n[^#]*?^\};\n", text, re.M):
            known[found[1]] = found[0].replace("BNN_MAX_RANK", "6")
    taken: dict[str, str] = {}

    def take(name: str) -> None:
        for needed in re.findall(r"\b(?:struct|enum) (\w+)\b", known[name])[1:]:
            if needed in known and needed not in taken:
                take(needed)
        taken[name] = known[name]

    for name in known:
        if name.endswith("_state"):
            take(name)
    return "".join(taken.values())


def cdef() -> str:
    """Return the declarations for cffi: the header's marked region, its prototypes; what lies beside it; kernels; states."""
    types, rest = _marked(HEADER)
    rest = re.sub(r"/\*.*?\*/", "", rest, flags=re.S)
    rest = re.sub(r"#(ifdef __cplusplus.*?#endif|endif)", "", rest, flags=re.S)
    headers = (
        THREADS / "pool.h",
        THREADS / "batch.h",
        PROFILE / "times.h",
        PROFILE / "bound.h",
        EXPORT / "calls.h",
    )
    beside = "".join(_marked(header)[0] for header in headers)
    return types + rest.replace("BNN_MUST_CHECK ", "") + beside + KERNEL_CDEF + _states()


def sources() -> list[Path]:
    """Return all C and assembly files; those of other architectures compile to nothing."""
    library = (p for p in (LIBRARY / "src").rglob("*") if p.suffix in {".c", ".S"})
    return sorted(
        [*library, *(p for folder in (THREADS, PROFILE, EXPORT) for p in folder.glob("*.c"))]
    )


def include_dirs() -> list[Path]:
    """Return the folders that the extension and the library include from."""
    return [LIBRARY / "include", LIBRARY / "src", THREADS, PROFILE, EXPORT]


def _builder() -> cffi.FFI:
    builder = cffi.FFI()
    builder.cdef(cdef())
    builder.set_source(MODULE, SOURCE, py_limited_api=True)
    return builder


ffibuilder = _builder()


def emit(path: Path) -> None:
    """Write the extension's C source."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ffibuilder.emit_c_code(str(path))


def compiler() -> list[str]:
    """Return the C compiler's command: $CC, cc, gcc, clang, or the one of the ziglang package."""
    if os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    try:
        import ziglang  # noqa: F401
    except ImportError:
        raise SystemExit(
            "no C compiler found: install gcc or clang, or `pip install ziglang`, or set CC"
        ) from None
    return [sys.executable, "-m", "ziglang", "cc"]


def compile_in(folder: Path) -> Path:
    """Compile the module into `folder` and return its path."""
    import sysconfig

    target = folder / "_bnn.abi3.so"
    with tempfile.TemporaryDirectory() as work:
        source = Path(work) / "_bnn.c"
        emit(source)
        includes = [f"-I{d}" for d in (*include_dirs(), sysconfig.get_paths()["include"])]
        output = Path(work) / target.name
        command = [*compiler(), *CFLAGS, *includes, "-shared", "-o", str(output), str(source)]
        subprocess.run([*command, *map(str, sources())], check=True)
        folder.mkdir(parents=True, exist_ok=True)
        # Renamed, not overwritten: a running process may have the old file mapped.
        staged = target.with_suffix(".new")
        shutil.copyfile(output, staged)
        staged.replace(target)
    return target


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python pylibbnn/_build.py", description=__doc__)
    parser.add_argument("--emit", type=Path, metavar="FILE", help="only write the C source")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        default=ROOT / "pylibbnn",
        help="where the module goes",
    )
    options = parser.parse_args()
    if options.emit:
        emit(options.emit)
    else:
        print(compile_in(options.output))


if __name__ == "__main__":
    main()

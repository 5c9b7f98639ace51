# SPDX-License-Identifier: BSD-3-Clause
"""What executed instructions do, by class."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

import capstone

from ci.bench.region import Region

# (class, mnemonics of vector instructions); the first that fits. What fits none, and no vector register, is scalar.
CLASSES = {
    "eor": r"v?eor",
    "cnt": r"v?cnt",
    "product": r"(sdot|smmla|v?s?mull2?|v?s?mlal2?)",
    "select": r"v?(bsl|bit|bif|mvn|not)",
    "add": r"v?(add|addp|sub|padd)",
    "widen": r"v?(u|s)?(adalp|addlp|padal|paddl|addw2?|addl2?|sublp?)",
    "across": r"(addv|u?addlv|uaddlv)",
    "shift": r"v?(sri|sli|(u|s)?shr|shl|shll?2?|shrn2?|xtn2?)",
    "compare": r"v?f?cm?(ge|gt|hs|hi|lt|le|eq|tst|mhs|mge|mgt|mhi|meq|mtst)",
    "load": r"(v?ld[1-4]r?|v?ldr|ldp|ldur|ldnp|v?ldm\w*|vpop)",
    "store": r"(v?st[1-4]|v?str|stp|stur|v?stm\w*|vpush)",
    "fp": r"v?(f(mul|add|sub|max|min|mla|abs|neg)\w*|scvtf|ucvtf|cvt|mul|add|sub|mla|max|min)",
}
VECTOR = re.compile(r"(?<![\w#])(v|q|d|s)\d+(?![\w])")
FLOATS = re.compile(r"\.(f32|f64)")
MOVES = "move"
SCALAR = "scalar"
NAMES = (*CLASSES, MOVES, SCALAR)


@lru_cache(maxsize=4096)
def classify(machine: str, code: bytes) -> str:
    """Return the class of an instruction of "aarch64" or "arm"."""
    mnemonic, operands = disassemble(machine, code)
    if not VECTOR.search(operands):
        return SCALAR
    base = mnemonic.partition(".")[0]
    if FLOATS.search(mnemonic):
        return "compare" if base.startswith("vc") and not base.startswith("vcvt") else "fp"
    for name, pattern in CLASSES.items():
        if re.fullmatch(pattern, base):
            return name
    return MOVES


@lru_cache(maxsize=2)
def _disassembler(machine: str) -> capstone.Cs:
    if machine == "arm":
        return capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_ARM)
    return capstone.Cs(capstone.CS_ARCH_AARCH64, capstone.CS_MODE_LITTLE_ENDIAN)


def disassemble(machine: str, code: bytes, address: int = 0) -> tuple[str, str]:
    """Return mnemonic and operands of one instruction; ("", "") if it is unknown."""
    found = next(_disassembler(machine).disasm_lite(code, address), (0, 0, "", ""))
    return found[2], found[3]


def mix(machine: str, region: Region) -> Counter[str]:
    """Return executed instructions by class."""
    result: Counter[str] = Counter()
    for address, executions in region.executions.items():
        result[classify(machine, region.code[address])] += executions
    return result

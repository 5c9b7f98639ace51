# SPDX-License-Identifier: BSD-3-Clause
"""Products of 8-bit matrices (FEAT_I8MM), which unicorn's cpu does not have: done here when it finds them undefined."""

from __future__ import annotations

import numpy as np
import unicorn
from unicorn import arm64_const

# smmla Vd.4S, Vn.16B, Vm.16B
SMMLA, FIXED = 0x4E80_A400, 0xFFE0_FC00


def _vector(uc: unicorn.Uc, number: int) -> bytes:
    value: int = uc.reg_read(arm64_const.UC_ARM64_REG_Q0 + number)
    return value.to_bytes(16, "little")


def execute(uc: unicorn.Uc) -> bool:
    """Do the instruction at pc, if it is smmla, and go on behind it; returns whether it was."""
    pc = uc.reg_read(arm64_const.UC_ARM64_REG_PC)
    word = int.from_bytes(uc.mem_read(pc, 4), "little")
    if word & FIXED != SMMLA:
        return False
    out, left, right = word & 31, word >> 5 & 31, word >> 16 & 31
    rows, columns = (
        np.frombuffer(_vector(uc, number), np.int8).reshape(2, 8).astype(np.int32)
        for number in (left, right)
    )
    sums = np.frombuffer(_vector(uc, out), np.int32).reshape(2, 2) + rows @ columns.T
    uc.reg_write(
        arm64_const.UC_ARM64_REG_Q0 + out,
        int.from_bytes(sums.astype(np.int32).tobytes(), "little"),
    )
    uc.reg_write(arm64_const.UC_ARM64_REG_PC, pc + 4)
    return True

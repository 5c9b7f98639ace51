# SPDX-License-Identifier: BSD-3-Clause
"""Instruction-level checks of assembly kernels against their contract blocks; see docs/kernels.md."""

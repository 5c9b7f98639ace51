# SPDX-License-Identifier: BSD-3-Clause
"""Bounded proofs by CBMC of the loader's table walk and the planner's arithmetic."""

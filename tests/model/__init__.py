# SPDX-License-Identifier: BSD-3-Clause
"""Whole .dab files: every op kind on every machine against the numpy executor; lowering; memory."""

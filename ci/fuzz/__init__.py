# SPDX-License-Identifier: BSD-3-Clause
"""Hostile files: fuzz targets, the compiler they need, and their corpus."""

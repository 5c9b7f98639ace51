# SPDX-License-Identifier: BSD-3-Clause
"""Conversion of trained binary networks to .dab files: `python -m converter --help`."""

__version__ = "0.1.0"

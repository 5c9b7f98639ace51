# SPDX-License-Identifier: BSD-3-Clause
"""Hostile files; `nox -s fuzz` makes them."""

# SPDX-License-Identifier: BSD-3-Clause
"""Firmware of examples/firmware for every board of boards.toml: built, run under emulation, measured."""

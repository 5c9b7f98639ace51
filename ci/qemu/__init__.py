# SPDX-License-Identifier: BSD-3-Clause
"""Foreign machines: the table of targets, emulators and target systems that install themselves without root."""

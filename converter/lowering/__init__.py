# SPDX-License-Identifier: BSD-3-Clause
"""The parts of converter/lower.py: from the graph (NCHW) to the ops of a .dab file (channels last)."""

# SPDX-License-Identifier: BSD-3-Clause
"""The .dab format: golden files, every rule broken once, truncated and damaged files."""

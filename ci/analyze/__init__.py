# SPDX-License-Identifier: BSD-3-Clause
"""Static analysis of all C below libbnn/."""

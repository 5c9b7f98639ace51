# SPDX-License-Identifier: BSD-3-Clause
"""What `nox -s bench` does: run bnn-bench under an instruction counter, or here with a clock, and print tables."""

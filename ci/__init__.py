# SPDX-License-Identifier: BSD-3-Clause
"""The work behind the nox sessions: toolchains, emulators, builds, checks. Run as `python -m ci.NAME`."""

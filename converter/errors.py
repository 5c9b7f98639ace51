# SPDX-License-Identifier: BSD-3-Clause
"""The one exception for everything wrong with what the user gave; its text says where and what to do."""


class ConversionError(Exception):
    """The model (or option) cannot be converted; `str(error)` names file, node or field, and the remedy."""

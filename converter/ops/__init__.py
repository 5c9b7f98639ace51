# SPDX-License-Identifier: BSD-3-Clause
"""One file per operator or tight family: shape rule, numpy reference, import from ONNX.

A new file here is found by itself.
"""

from importlib import import_module
from pkgutil import iter_modules

from converter.ops.registry import IMPORTERS, OPERATIONS, NodeContext, Operation

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["IMPORTERS", "OPERATIONS", "NodeContext", "Operation"]

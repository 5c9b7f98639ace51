# SPDX-License-Identifier: BSD-3-Clause
"""Run binary neural networks from Python: `Model("net.dab").run(x)`, numpy in and numpy out."""

from pylibbnn._calls import CallError
from pylibbnn._lib import BnnError, isas, version
from pylibbnn._lib import Step as StepInfo
from pylibbnn._lib import Tensor as TensorInfo
from pylibbnn.model import Model

__version__ = version()
__all__ = ["BnnError", "CallError", "Model", "StepInfo", "TensorInfo", "__version__", "isas"]

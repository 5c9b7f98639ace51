# SPDX-License-Identifier: BSD-3-Clause
"""The machines that tests run the library on: this one, and others under their emulators, all through one interface.

A test body gets `target` (a Target) and, where its module names a SLOT, `kernel` (a Kernel); tests/conftest.py provides both.
"""

from targets.memory import Buffer
from targets.probe import TargetError
from targets.target import DabError, Kernel, Machine, Model, Target

__all__ = ["Buffer", "DabError", "Kernel", "Machine", "Model", "Target", "TargetError"]

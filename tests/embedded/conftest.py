# SPDX-License-Identifier: BSD-3-Clause
"""bnn.c and bnn.h, and what this machine's compiler makes of them; once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci import amalgamate, toolchain
from embedded import run


@pytest.fixture(scope="session")
def amalgamation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the two files."""
    folder = tmp_path_factory.mktemp("amalgamation")
    amalgamate.write(folder)
    return folder


@pytest.fixture(scope="session")
def bnn_object(amalgamation: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bnn.c compiled by the compiler's default dialect."""
    output = tmp_path_factory.mktemp("object") / "bnn.o"
    command = [*toolchain.native_cc(), "-O1", "-ffunction-sections", "-fdata-sections"]
    run([*command, "-c", amalgamation / "bnn.c", "-o", output])
    return output

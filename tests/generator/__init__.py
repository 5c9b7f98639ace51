# SPDX-License-Identifier: BSD-3-Clause
"""Random ONNX networks, as training frameworks and people write them. See network.py."""

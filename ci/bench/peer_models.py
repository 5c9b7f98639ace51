# SPDX-License-Identifier: BSD-3-Clause
"""Writes the .tflite models of the peers, with TensorFlow 2.15 and larq: `peer_models.py FOLDER CASE...`.

A case is `bireal18` or a convolution H,W,C,O,K,STRIDE,PAD. Of each: NAME.float.tflite and NAME.int8.tflite without signs, and
NAME.lce.tflite with binary layers, whose border is +1, as Larq Compute Engine computes fastest.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import larq
import larq_compute_engine as engine
import numpy as np
import tensorflow as tf

keras: Any = tf.keras
STAGES = (64, 128, 256, 512)


def conv(x: Any, outputs: int, kernel: int, stride: int, binary: bool) -> Any:
    """A convolution that is binary or a float one of the same shape."""
    options = {"strides": stride, "padding": "same", "use_bias": False}
    if not binary:
        return keras.layers.Conv2D(outputs, kernel, **options)(x)
    return larq.layers.QuantConv2D(
        outputs,
        kernel,
        input_quantizer="ste_sign",
        kernel_quantizer="ste_sign",
        pad_values=1.0,
        **options,
    )(x)


def bireal18(binary: bool) -> Any:
    """The network of pylibbnn/zoo/resnet.py, channels last."""
    norm = keras.layers.BatchNormalization
    image = x = keras.Input((224, 224, 3), batch_size=1)
    x = norm()(conv(x, STAGES[0], 7, 2, binary=False))
    x = keras.layers.MaxPool2D(3, 2, padding="same")(x)
    for number, width in enumerate(STAGES):
        for block in range(4):
            halve = number > 0 and block == 0
            y = norm()(conv(x, width, 3, 2 if halve else 1, binary))
            if halve:
                x = keras.layers.AvgPool2D(2)(x)
                x = norm()(conv(x, width, 1, 1, binary=False))
            x = keras.layers.add([y, x])
    x = keras.layers.Dense(1000)(keras.layers.GlobalAvgPool2D()(x))
    return keras.Model(image, x)


def layer(shape: str, binary: bool) -> Any:
    """One convolution of signs of its input."""
    height, width, channels, outputs, kernel, stride, _ = map(int, shape.split(","))
    image = keras.Input((height, width, channels), batch_size=1)
    return keras.Model(image, conv(image, outputs, kernel, stride, binary))


def float_bytes(model: Any) -> bytes:
    """The model as it is."""
    data: bytes = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    return data


def int8_bytes(model: Any) -> bytes:
    """Full 8-bit quantisation, calibrated on random images."""

    def samples() -> Iterator[list[Any]]:
        rng = np.random.default_rng(0)
        for _ in range(4):
            yield [rng.standard_normal(model.input_shape).astype(np.float32)]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    data: bytes = converter.convert()
    return data


def main() -> None:
    """Write the models of all cases."""
    folder = Path(sys.argv[1])
    for case in sys.argv[2:]:
        plain, binary = (
            bireal18(flag) if case == "bireal18" else layer(case, flag) for flag in (False, True)
        )
        (folder / f"{case}.float.tflite").write_bytes(float_bytes(plain))
        (folder / f"{case}.int8.tflite").write_bytes(int8_bytes(plain))
        (folder / f"{case}.lce.tflite").write_bytes(engine.convert_keras_model(binary))


if __name__ == "__main__":
    main()

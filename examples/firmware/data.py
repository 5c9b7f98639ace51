# SPDX-License-Identifier: BSD-3-Clause
"""Write what the firmware carries: `python -m examples.firmware.data FOLDER`.

FOLDER gets digits.dab (the network) and net.h, net.c and net_data.c (the same as calls), images.bin (500 images of 64 pixels,
bytes of 0 to 16), labels.bin (a byte each) and data.h, which names their sizes, and how many images this computer gets right.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from pylibbnn import Model

DIGITS = Path(__file__).resolve().parents[1] / "digits"

HEADER = """\
/* Written by examples/firmware/data.py. */
#ifndef DATA_H
#define DATA_H

#define DIGITS_MODEL_BYTES {model}
#define DIGITS_IMAGES {images}
#define DIGITS_PIXELS {pixels}
#define DIGITS_RIGHT {right} /* images that the computer which converted the network got right */

extern const unsigned char digits_model[DIGITS_MODEL_BYTES];
extern const unsigned char digits_images[DIGITS_IMAGES * DIGITS_PIXELS];
extern const unsigned char digits_labels[DIGITS_IMAGES];

#endif
"""


def main(folder: Path) -> None:
    """Convert the network, pack the test images, and classify them here."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "digits.dab"
    command = [sys.executable, "-m", "converter", str(DIGITS / "digits.onnx"), "--moderate"]
    subprocess.run([*command, "-o", str(model)], check=True, stdout=subprocess.DEVNULL)
    unrolled = [sys.executable, "-m", "converter", str(model), "--emit", "c", "--name", "net"]
    options = [
        "--unroll",
        "--small",
        "-o",
        str(folder),
    ]  # float layers are 0.4 % of the multiply-adds
    subprocess.run([*unrolled, *options], check=True, stdout=subprocess.DEVNULL)
    test = np.load(DIGITS / "test.npz")
    images, labels = test["x"], test["y"].astype(np.uint8)
    pixels = (images * 16).astype(np.uint8)
    if (pixels / np.float32(16) != images).any():
        raise SystemExit("digits: an image has other values than n / 16")
    right = int((Model(model).run(images).argmax(1) == labels).sum())
    (folder / "images.bin").write_bytes(pixels.tobytes())
    (folder / "labels.bin").write_bytes(labels.tobytes())
    text = HEADER.format(
        model=model.stat().st_size, images=len(images), pixels=images[0].size, right=right
    )
    (folder / "data.h").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

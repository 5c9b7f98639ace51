# SPDX-License-Identifier: BSD-3-Clause
"""Train a small binary network on scikit-learn's 8x8 digits and export it to ONNX.

Weights and activations of every layer are one bit wide (W1A1), except for the first convolution,
which reads real pixels, and the ten-way classifier. Written into ``--out``:

``digits.onnx``    one file, input ``image`` float32 [batch, 1, 8, 8], output ``logits`` [batch, 10]
``test.npz``       the test split: ``x`` float32 [500, 1, 8, 8] (pixel / 16), ``y`` int64 [500]
``measured.json``  accuracy of PyTorch and of onnxruntime, the recipe, seed and versions

Needs: torch scikit-learn onnx onnxscript onnxruntime
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import sklearn  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

SEED = 1
TEST_IMAGES = 500
BATCH = 64
LEARNING_RATE = 4e-3


class SignSTE(torch.autograd.Function):
    """+1 where x >= 0, else -1; the gradient passes where |x| <= 1.

    Not ``torch.sign``, whose 0 at 0 would be a third value.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Comparison and choice: plain ops in the exported graph."""
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        """Straight-through estimator."""
        (x,) = ctx.saved_tensors
        gradient: Tensor = grads[0] * (x.abs() <= 1)
        return gradient


def sign(x: Tensor) -> Tensor:
    """Binarise activations or weights to {-1, +1}."""
    out: Tensor = SignSTE.apply(x)  # type: ignore[no-untyped-call]
    return out


class BinaryWeight(nn.Module):
    """A weight of +-alpha with one alpha = mean|w| per output channel.

    While training, the real-valued ``latent`` is the parameter. ``freeze`` keeps what deployment
    needs: the signs as int8 and the alphas as float32, which makes the ONNX file 4x smaller.
    """

    signs: Tensor
    alpha: Tensor

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.latent: nn.Parameter | None = nn.Parameter(torch.empty(shape).uniform_(-0.5, 0.5))

    def scale(self, latent: Tensor) -> Tensor:
        """Mean magnitude per output channel, shaped to broadcast over ``latent``."""
        return latent.detach().abs().mean(dim=tuple(range(1, latent.dim())), keepdim=True)

    def forward(self) -> Tensor:
        """Return the two-valued weight, in the shape given to the constructor."""
        if self.latent is None:
            return self.signs.to(torch.float32) * self.alpha
        return sign(self.latent) * self.scale(self.latent)

    @torch.no_grad()
    def clip(self) -> None:
        """Keep the latent weights where the straight-through gradient is not zero."""
        if self.latent is not None:
            self.latent.clamp_(-1, 1)

    @torch.no_grad()
    def freeze(self) -> None:
        """Replace the latent weights by their signs and alphas; the value does not change."""
        if self.latent is not None:
            self.register_buffer("signs", sign(self.latent).to(torch.int8))
            self.register_buffer("alpha", self.scale(self.latent))
            self.latent = None


class BinaryConv(nn.Module):
    """Binary 3x3 convolution, padding 1, then BatchNorm.

    ``border`` is the value of the padding: 0 is the ordinary zero padding, which makes the
    border a third value beside -1 and +1; -1 is written into the signed data in front.
    """

    def __init__(self, cin: int, cout: int, stride: int = 1, border: int = 0) -> None:
        super().__init__()
        self.weight = BinaryWeight(cout, cin, 3, 3)
        self.norm = nn.BatchNorm2d(cout)
        self.stride, self.border = stride, border

    def forward(self, x: Tensor) -> Tensor:
        """Map real x [N, cin, H, W] to real [N, cout, H / stride, W / stride]."""
        x, padding = sign(x), 1
        if self.border:
            x, padding = F.pad(x, (1, 1, 1, 1), value=self.border), 0
        out: Tensor = self.norm(F.conv2d(x, self.weight(), stride=self.stride, padding=padding))
        return out


class DigitsNet(nn.Module):
    """Float stem, three Bi-Real style residual blocks, binary dense layer, float classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64))
        self.conv1 = BinaryConv(64, 64)
        self.act1 = nn.PReLU(64)
        self.conv2a = BinaryConv(64, 64, border=-1)
        self.conv2b = BinaryConv(64, 64)
        self.conv3 = BinaryConv(64, 128, stride=2)
        self.act3 = nn.PReLU(128)
        self.dense = BinaryWeight(64, 128 * 2 * 2)
        self.dense_norm = nn.BatchNorm1d(64)
        self.classifier = nn.Linear(64, 10)

    def forward(self, image: Tensor) -> Tensor:
        """Map pixels in 0..1 [N, 1, 8, 8] to logits [N, 10]."""
        x = self.stem(image)
        x = self.act1(self.conv1(x) + x)
        # Nothing but the BatchNorm stands between conv2a and the sign in front of conv2b, so an
        # engine can go from one to the other with integer thresholds.
        x = self.conv2b(self.conv2a(x)) + x
        shortcut = F.avg_pool2d(x, 2)
        x = self.act3(self.conv3(x) + torch.cat([shortcut, shortcut], dim=1))
        x = sign(F.max_pool2d(x, 2)).flatten(1)
        x = F.relu(self.dense_norm(F.linear(x, self.dense())))
        logits: Tensor = self.classifier(x)
        return logits


def split_digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return x_train [1297, 1, 8, 8], y_train, x_test [500, 1, 8, 8], y_test; x in 0..1."""
    digits = load_digits()
    x = (digits.images[:, None] / 16).astype(np.float32)
    y = digits.target.astype(np.int64)
    order = np.random.default_rng(SEED).permutation(len(y))
    test, train = order[:TEST_IMAGES], order[TEST_IMAGES:]
    parts = (x[train], y[train], x[test], y[test])
    a, b, c, d = (torch.from_numpy(part) for part in parts)
    return a, b, c, d


def shift_randomly(x: Tensor) -> Tensor:
    """Shift every image by -1, 0 or +1 pixel in each direction (zeros come in)."""
    windows = F.pad(x, (1, 1, 1, 1)).unfold(2, 8, 1).unfold(3, 8, 1)  # [N, 1, 3, 3, 8, 8]
    dy, dx = torch.randint(0, 3, (2, len(x)))
    return windows[torch.arange(len(x)), :, dy, dx]


@torch.no_grad()
def predict(net: nn.Module, x: Tensor) -> Tensor:
    """Logits [N, 10] in inference mode."""
    logits: Tensor = net.eval()(x)
    return logits


def train(net: DigitsNet, data: tuple[Tensor, Tensor, Tensor, Tensor], epochs: int) -> None:
    """Train in place; one line per epoch. The last epoch is kept: none is picked by its test."""
    x_train, y_train, x_test, y_test = data
    steps = epochs * (len(x_train) // BATCH)
    optimizer = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    weights = [m for m in net.modules() if isinstance(m, BinaryWeight)]
    for epoch in range(1, epochs + 1):
        net.train()
        total = 0.0
        batches = torch.split(torch.randperm(len(x_train)), BATCH)[: len(x_train) // BATCH]
        for batch in batches:
            loss = F.cross_entropy(net(shift_randomly(x_train[batch])), y_train[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            for weight in weights:
                weight.clip()
            total += loss.item()
        right = int((predict(net, x_test).argmax(1) == y_test).sum())
        mean = total / len(batches)
        print(f"epoch {epoch:3d}  loss {mean:.4f}  test {right / len(y_test):.2%}", flush=True)


def export(net: DigitsNet, example: Tensor) -> onnx.ModelProto:
    """Export with a symbolic batch dimension, checked, without the exporter's stack traces."""
    for module in net.modules():
        if isinstance(module, BinaryWeight):
            module.freeze()
    program = torch.onnx.export(
        net.eval(),
        (example,),
        dynamo=True,
        input_names=["image"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        verbose=False,
    )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    model: onnx.ModelProto = program.model_proto
    # Traces name files of the machine that exported; nobody downstream wants them.
    graph = model.graph
    for item in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        item.doc_string = ""
        del item.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    for tensor in graph.initializer:
        if not np.isfinite(onnx.numpy_helper.to_array(tensor)).all():
            raise RuntimeError(f"initializer {tensor.name} is not finite: training diverged")
    return model


def write_atomically(path: Path, write: Callable[[io.BytesIO], object]) -> None:
    """Write through a temporary file beside ``path``, so that no partial file ever has its name."""
    buffer = io.BytesIO()
    write(buffer)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(buffer.getvalue())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def run_onnx(model: onnx.ModelProto, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits [N, 10] by onnxruntime."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(["logits"], {"image": x})[0])


def measure(torch_logits: Tensor, onnx_logits: NDArray[np.float32], y: Tensor) -> dict[str, Any]:
    """Accuracy by both engines and how far they are apart, over the test split."""
    ours, theirs = torch_logits.numpy(), onnx_logits
    top = np.sort(ours, axis=1)
    return {
        "test_images": len(y),
        "accuracy_pytorch": float((ours.argmax(1) == y.numpy()).mean()),
        "accuracy_onnxruntime": float((theirs.argmax(1) == y.numpy()).mean()),
        "equal_predictions": int((ours.argmax(1) == theirs.argmax(1)).sum()),
        "largest_logit": float(np.abs(ours).max()),
        "largest_logit_difference": float(np.abs(ours - theirs).max()),
        "smallest_margin": float((top[:, -1] - top[:, -2]).min()),
    }


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train and export the binary digits network.")
    parser.add_argument("--epochs", type=int, default=60, help="default: %(default)s")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent, help="folder; default: this script's"
    )
    args = parser.parse_args()
    if args.epochs < 1:
        parser.error("--epochs must be at least 1")
    if not args.out.is_dir():
        parser.error(f"--out {args.out}: no such folder; create it first")

    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # sums in one order, whatever the number of cores

    data = split_digits()
    x_test, y_test = data[2], data[3]
    net = DigitsNet()
    train(net, data, args.epochs)
    logits = predict(net, x_test)
    model = export(net, x_test[:2])
    result = measure(logits, run_onnx(model, x_test.numpy()), y_test)
    weights = [m for m in net.modules() if isinstance(m, BinaryWeight)]
    bits = sum(w.signs.numel() for w in weights)
    content = model.SerializeToString()
    result |= {
        "onnx_bytes": len(content),
        "binary_weights": bits,
        "float_parameters": sum(
            t.numel() for t in net.state_dict().values() if t.is_floating_point()
        ),
        "opset": model.opset_import[0].version,
        "recipe": {
            "seed": SEED,
            "epochs": args.epochs,
            "batch": BATCH,
            "optimizer": "Adam, cosine to 0",
            "learning_rate": LEARNING_RATE,
            "augmentation": "shift by at most 1 pixel",
        },
        "versions": {
            "python": ".".join(map(str, sys.version_info[:3])),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }
    text = json.dumps(result, indent=2) + "\n"
    x, y = x_test.numpy(), y_test.numpy()
    write_atomically(args.out / "digits.onnx", lambda f: f.write(content))
    write_atomically(args.out / "test.npz", lambda f: np.savez_compressed(f, x=x, y=y))
    write_atomically(args.out / "measured.json", lambda f: f.write(text.encode()))
    print(text, end="")
    return 0 if result["equal_predictions"] == TEST_IMAGES else 1


if __name__ == "__main__":
    sys.exit(main())

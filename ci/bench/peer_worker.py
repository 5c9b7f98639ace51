# SPDX-License-Identifier: BSD-3-Clause
"""Times a peer's model in the peer's own Python: `peer_worker.py RUNNER`; imports nothing of this project but pylibbnn.

Each line of standard input is a repeat count and a file; the answer is the fastest run in nanoseconds, or `error` and why.
Models are loaded once; their input is filled once, with random numbers. All run on one thread.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Run = Callable[[], Any]


def _random(shape: Any) -> Any:
    return np.random.default_rng(0).standard_normal([int(n) for n in shape]).astype(np.float32)


def libbnn(path: str) -> Run:
    """The plan itself, as an embedding program calls it."""
    from pylibbnn import Model

    model = Model(path)
    model.run(_random(model.inputs[0].shape))
    run: Run = model._plan.run
    return run


def onnxruntime(path: str) -> Run:
    """All of its optimizations."""
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    first = session.get_inputs()[0]
    feed = {first.name: _random(first.shape)}
    return lambda: session.run(None, feed)


def litert(path: str) -> Run:
    """With XNNPACK, its default."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    first = interpreter.get_input_details()[0]
    interpreter.set_tensor(first["index"], _random(first["shape"]).astype(first["dtype"]))
    run: Run = interpreter.invoke
    return run


def lce(path: str) -> Run:
    """Larq Compute Engine with indirect binary products, its faster way on x86, and XNNPACK for the rest."""
    from larq_compute_engine.tflite.python.interpreter import Interpreter

    with open(path, "rb") as file:
        interpreter = Interpreter(
            file.read(), num_threads=1, use_indirect_bgemm=True, use_xnnpack=True
        )
    (shape,) = interpreter.input_shapes
    x = _random(shape)
    return lambda: interpreter.predict(x)


RUNNERS = {"libbnn": libbnn, "onnxruntime": onnxruntime, "litert": litert, "lce": lce}


def main() -> None:
    """Answer every line."""
    load = RUNNERS[sys.argv[1]]
    models: dict[str, Run] = {}
    for line in sys.stdin:
        repeat, path = line.strip().split(" ", 1)
        try:
            run = models[path] = models.get(path) or load(path)
            best = min(_time(run) for _ in range(int(repeat)))
            answer = str(best)
        except Exception as error:  # whatever a peer raises is its row in the table
            answer = "error " + " ".join(str(error).split())[:200]
        print(f"answer {answer}", flush=True)


def _time(run: Run) -> int:
    start = time.perf_counter_ns()
    run()
    return time.perf_counter_ns() - start


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-3-Clause
"""`Model`: a .dab file, ready to run on numpy arrays."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pylibbnn import _calls, _lib
from pylibbnn._lib import Step as StepInfo
from pylibbnn._lib import Tensor as TensorInfo

_MOST_THREADS = 256
Array = npt.NDArray[Any]
Inputs = npt.ArrayLike | Mapping[str, npt.ArrayLike] | Sequence[npt.ArrayLike]


class Model:
    """A loaded and planned network.

    `source` is a path or the bytes of a .dab file. `isa` names the instruction-set variant to use at most (see
    `pylibbnn.isas()`; default: the environment variable BNN_ISA, else the best this cpu has).
    Raises OSError when the file cannot be read and BnnError when its content is refused.
    `threads` is how many threads a run works with; results are the same bits. A batch of at least as many samples is shared
    sample by sample, which takes an arena per thread; otherwise each step of the network is shared.
    With `profile` the times of steps are taken, except in batches that threads share (see pylibbnn.profile).
    `run` may be called from any thread: calls on one Model run one after the other, different Models run in parallel.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes | bytearray,
        isa: str | None = None,
        threads: int = 1,
        profile: bool = False,
    ) -> None:
        if not 1 <= threads <= _MOST_THREADS:
            raise ValueError(f"threads must be 1 to {_MOST_THREADS}, got {threads}")
        if isinstance(source, (bytes, bytearray)):
            data, self.source = bytes(source), "model bytes"
        else:
            path = Path(source)
            data, self.source = path.read_bytes(), str(path)
        if not data:
            raise ValueError(f"{self.source}: the file is empty; convert the model again")
        self._model = _lib.NativeModel(data, self.source)
        self._model.verify()
        self._isa = isa if isa is not None else _lib.default_isa()
        self._pool = _lib.Pool(threads) if threads > 1 else None
        self._plan = _lib.NativePlan(self._model, self._isa, self._pool, profile)
        self._plans: list[_lib.NativePlan] = []  # one per thread, made for the first batch
        self._lock = threading.Lock()
        self.inputs: list[TensorInfo] = self._model.inputs()
        self.outputs: list[TensorInfo] = self._model.outputs()

    @property
    def arena_bytes(self) -> int:
        """Bytes of working memory that the plan uses."""
        return sum(int(plan.arena.size) for plan in (self._plan, *self._plans))

    @property
    def file_bytes(self) -> int:
        """Bytes of the model file."""
        return int(self._model.bytes.size)

    @property
    def data(self) -> bytes:
        """The model file's bytes."""
        return self._model.bytes.tobytes()

    @property
    def metadata(self) -> dict[str, str]:
        """What the converter noted: producer, source, mode."""
        lines = (line.partition("=") for line in self._model.metadata.splitlines())
        return {key: value for key, equals, value in lines if equals}

    @property
    def steps(self) -> list[StepInfo]:
        """The executable steps, in order."""
        return self._plan.steps()

    @property
    def step_milliseconds(self) -> list[float]:
        """With `profile`: the best time of each step so far; negative before the first run."""
        return self._plan.milliseconds()

    def __repr__(self) -> str:
        ins = ", ".join(f"{t.name}{list(t.shape)}" for t in self.inputs)
        outs = ", ".join(f"{t.name}{list(t.shape)}" for t in self.outputs)
        return f"<pylibbnn.Model {self.source}: {ins} -> {outs}>"

    def run(self, x: Inputs) -> Any:
        """Run the network and return its output, or a dict of outputs by name where there are several.

        `x` is an array (one input), a dict of arrays by input name, or a list of arrays in the model's order. An array has
        the input's shape; where the first dimension is a batch of 1, also [n, ...] (n samples, outputs get the leading n) or
        the shape without it (outputs lose it too).
        Float64, float16, integers and booleans are converted to float32, rounding to nearest. Raises TypeError for other
        types, ValueError for wrong shapes, names, NaN and values beyond float32; messages name the input.
        """
        arrays = self._arrays(x)
        batches = {array.shape[0] for array, _ in arrays}
        if len(batches) != 1:
            counts = ", ".join(
                f"'{t.name}': {a.shape[0]}" for t, (a, _) in zip(self.inputs, arrays, strict=True)
            )
            raise ValueError(f"the inputs have different batch sizes ({counts})")
        (count,) = batches
        bare = any(single for _, single in arrays)
        results = [np.empty((count, *t.shape), t.dtype) for t in self.outputs]
        with self._lock:
            if self._pool is not None and count >= self._pool.threads:
                self._run_batch(self._pool, [array for array, _ in arrays], results)
            else:
                self._run_samples([array for array, _ in arrays], results)
        shaped = [
            self._unbatch(result, info, count, bare)
            for result, info in zip(results, self.outputs, strict=True)
        ]
        if len(shaped) == 1:
            return shaped[0]
        return {info.name: result for info, result in zip(self.outputs, shaped, strict=True)}

    def _run_samples(self, arrays: list[Array], results: list[Array]) -> None:
        """One sample after the other."""
        for sample in range(len(results[0])):
            for memory, array in zip(self._plan.inputs, arrays, strict=True):
                memory[...] = array[sample]
            self._plan.run()
            for result, memory in zip(results, self._plan.outputs, strict=True):
                result[sample] = memory

    def _run_batch(self, pool: _lib.Pool, arrays: list[Array], results: list[Array]) -> None:
        """A sample per thread at the same time."""
        while len(self._plans) < pool.threads:
            self._plans.append(_lib.NativePlan(self._model, self._isa))
        _lib.run_batch(pool, self._plans, [np.ascontiguousarray(a) for a in arrays], results)

    def _arrays(self, x: Inputs) -> list[tuple[Array, bool]]:
        """Return per input an array [n, *shape] and whether the caller left out the batch dimension of 1."""
        names = [info.name for info in self.inputs]
        given: list[Any]
        if isinstance(x, Mapping):
            if unknown := [name for name in x if name not in names]:
                raise ValueError(
                    f"{self.source} has no input '{unknown[0]}'; its inputs are {names}"
                )
            if missing := [name for name in names if name not in x]:
                raise ValueError(f"input '{missing[0]}' is missing; {self.source} needs {names}")
            given = [x[name] for name in names]
        elif isinstance(x, (list, tuple)) and len(names) > 1:
            given = list(x)
        else:
            given = [x]
        if len(given) != len(names):
            raise ValueError(f"{self.source} needs {len(names)} inputs {names}, got {len(given)}")
        return [_batched(value, info) for value, info in zip(given, self.inputs, strict=True)]

    def calls(self, direct: bool = False) -> _calls.Calls:
        """Return the steps as calls of the library's functions, for an exporter: see pylibbnn._calls.read."""
        return _calls.read(self._model, direct)

    @staticmethod
    def _unbatch(result: Array, info: TensorInfo, count: int, bare: bool) -> Array:
        """Merge the leading sample axis with the output's own batch of 1, or drop it."""
        if info.shape[:1] == (1,):
            merged = result.reshape(count, *info.shape[1:])
            return merged[0] if bare else merged
        return result[0] if count == 1 else result

    def intermediate(self, index: int, size: int) -> npt.NDArray[np.uint8]:
        """Return the raw memory of tensor `index` of the file's tensor table after the last run, for comparing tools.

        A later tensor may have reused the memory: only tensors live at the end are sure. Not after batches with threads.
        """
        with self._lock:
            return self._plan.tensor(index, size)


def _batched(value: Any, info: TensorInfo) -> tuple[Array, bool]:
    """Check one input and bring it to [n, *shape] of the model's element type."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"input '{info.name}' must hold numbers ({info.dtype}), got dtype {array.dtype}"
        )
    shape = info.shape
    bare = False
    if array.shape == shape:
        array = array[np.newaxis]
    elif shape[:1] == (1,) and array.ndim == len(shape) and array.shape[1:] == shape[1:]:
        array = array.reshape(array.shape[0], *shape)
    elif shape[:1] == (1,) and array.shape == shape[1:]:
        array, bare = array.reshape(1, *shape), True
    else:
        batch = f" or [n{''.join(f', {d}' for d in shape[1:])}]" if shape[:1] == (1,) else ""
        raise ValueError(
            f"input '{info.name}' needs shape {list(shape)}{batch}, got {list(array.shape)}"
        )
    if array.shape[0] == 0:
        raise ValueError(f"input '{info.name}' is an empty batch")
    with np.errstate(over="ignore"):
        converted = array.astype(info.dtype, copy=False)
    if info.dtype.kind == "f" and np.isnan(converted).any():
        raise ValueError(f"input '{info.name}' contains NaN; replace it before running the network")
    if info.dtype.kind == "f" and (np.isinf(converted) & ~np.isinf(array)).any():
        raise ValueError(f"input '{info.name}' has values beyond the range of float32")
    if info.dtype.kind != "f" and not np.array_equal(converted, array):
        raise ValueError(f"input '{info.name}' has values that {info.dtype} cannot hold")
    return converted, bare

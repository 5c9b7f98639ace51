# SPDX-License-Identifier: BSD-3-Clause
"""The only file that touches cffi: aligned memory, status codes as exceptions, one Python function or class per C object."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

try:
    from pylibbnn._bnn import ffi, lib
except ImportError as error:  # pragma: no cover - depends on the installation
    raise ImportError(
        "pylibbnn's extension module is not built: `pip install .`, or "
        f"`python pylibbnn/_build.py` in a source tree ({error})"
    ) from error

Bytes = npt.NDArray[np.uint8]
ALIGNMENT = 64

_PLACES = [
    "",
    "header",
    "tensor",
    "op",
    "operand of op",
    "attribute of op",
    "input/output",
    "string",
    "data",
]
_REMEDIES = {
    lib.BNN_ERR_TRUNCATED: "the file is cut off: copy or convert it again",
    lib.BNN_ERR_MAGIC: "give a file that `python -m converter` wrote",
    lib.BNN_ERR_VERSION: "convert the model with this version's converter, or update the library",
    lib.BNN_ERR_FORMAT: "the file is damaged or was not written by the converter: convert the model again",
    lib.BNN_ERR_CHECKSUM: "the file was changed after it was written: copy or convert it again",
    lib.BNN_ERR_UNSUPPORTED: "update the library",
}
# numpy type of each BNN_TYPE that a model's input or output may have.
DTYPES: dict[int, np.dtype[Any]] = {
    lib.BNN_TYPE_F32: np.dtype("<f4"),
    lib.BNN_TYPE_I32: np.dtype("<i4"),
    lib.BNN_TYPE_I8: np.dtype("i1"),
    lib.BNN_TYPE_U8: np.dtype("u1"),
}


class BnnError(Exception):
    """The library refused something. `status` is the C status code, `place`, `index` and `what` its bnn_error."""

    def __init__(
        self, status: int, text: str, place: str = "", index: int = 0, what: str = ""
    ) -> None:
        super().__init__(text)
        self.status = status
        self.place = place
        self.index = index
        self.what = what


def _text(pointer: Any) -> str:
    return bytes(ffi.string(pointer)).decode("utf-8", "replace")


def _check(status: int, source: str, error: Any = None) -> None:
    """Raise BnnError unless `status` is BNN_OK; `source` names the file in the message."""
    if status == lib.BNN_OK:
        return
    parts = [f"{source}: {_text(lib.bnn_strerror(status))}"]
    place, index, what = "", 0, ""
    if error is not None and error.place != lib.BNN_PLACE_NONE:
        place, index = _PLACES[error.place], int(error.index)
        parts.append(
            f"in the {place}" if error.place == lib.BNN_PLACE_HEADER else f"at {place} {index}"
        )
    if error is not None and error.what != ffi.NULL:
        what = _text(error.what)
        parts.append(what)
    if status in _REMEDIES:
        parts.append(_REMEDIES[status])
    raise BnnError(status, "; ".join(parts), place, index, what)


def version() -> str:
    """Return the version of the C library."""
    return _text(lib.bnn_version())


def isas() -> list[str]:
    """Return the names of the instruction-set variants that this cpu can run, the best last."""
    names: list[str] = []
    while (name := lib.bnn_isa(len(names))) != ffi.NULL:
        names.append(_text(name))
    return names


def aligned(size: int) -> Bytes:
    """Return `size` bytes of zeroed memory, aligned as models and arenas must be."""
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]


@dataclass(frozen=True)
class Tensor:
    """Name, element type, shape of a model's input or output, in the source model's axis order."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One executable step of a plan; `macs` are the multiply-adds of one run."""

    kind: str
    name: str
    op: int
    macs: int
    weight_bytes: int
    scratch_bytes: int
    activation_bytes: int
    binary: bool


@dataclass(frozen=True)
class Bound:
    """Multiply-adds per second that a machine can do at most: of signs, and of floats."""

    binary: float
    floats: float


class NativeModel:
    """A checked model: bnn_model over a private, aligned copy of the file's bytes."""

    def __init__(self, data: bytes | bytearray | memoryview, source: str) -> None:
        self.source = source
        raw = np.frombuffer(data, np.uint8)
        self.bytes = aligned(raw.size)
        self.bytes[:] = raw
        self.raw = ffi.new("bnn_model *")
        error = ffi.new("bnn_error *")
        pointer = ffi.from_buffer(self.bytes)
        _check(lib.bnn_model_init(self.raw, pointer, self.bytes.size, error), source, error)

    def verify(self) -> None:
        """Raise BnnError when the content does not match its checksum."""
        _check(lib.bnn_model_verify(self.raw), self.source)

    @property
    def metadata(self) -> str:
        """The converter's `key=value` lines."""
        return _text(lib.bnn_model_metadata(self.raw))

    def inputs(self) -> list[Tensor]:
        """Describe the model's inputs."""
        return [self._tensor(lib.bnn_model_input, i) for i in range(self.raw.input_count)]

    def outputs(self) -> list[Tensor]:
        """Describe the model's outputs."""
        return [self._tensor(lib.bnn_model_output, i) for i in range(self.raw.output_count)]

    def _tensor(self, get: Callable[[Any, int, Any], int], index: int) -> Tensor:
        tensor = ffi.new("bnn_tensor *")
        _check(get(self.raw, index, tensor), self.source)
        shape = tuple(int(tensor.dims[i]) for i in range(tensor.rank))
        return Tensor(_text(tensor.name), DTYPES[tensor.type], shape)


class Pool:
    """Threads of the C side, for one caller at a time."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.raw = lib.bnn_pool_new(threads)
        if self.raw == ffi.NULL:
            raise OSError(f"the system does not give {threads} threads; ask for fewer")
        weakref.finalize(self, _free_pool, self.raw, os.getpid())


def _free_pool(raw: Any, process: int) -> None:
    if process == os.getpid():  # a forked process has no threads to end
        lib.bnn_pool_free(raw)


class NativePlan:
    """A plan in an arena of its own; a pool shares its steps. Not thread-safe: one thread at a time."""

    def __init__(
        self, model: NativeModel, isa: str | None, pool: Pool | None = None, profile: bool = False
    ) -> None:
        self.model = model
        self._pool = pool
        self._isa = ffi.new("char[]", isa.encode()) if isa else ffi.NULL
        options = ffi.new("bnn_options *", {"isa": self._isa})
        if pool is not None:
            options.parallel = ffi.addressof(lib, "bnn_pool_run")
            options.parallel_context = pool.raw
            options.workers = pool.threads
        self._best = ffi.new("double[]", [-1.0] * int(model.raw.op_count))
        self._times = ffi.new("bnn_times *", {"best": self._best})
        if profile:
            options.profile = ffi.addressof(lib, "bnn_times_note")
            options.profile_context = self._times
        error = ffi.new("bnn_error *")
        size = ffi.new("size_t *")
        status = lib.bnn_plan_size(model.raw, options, size, error)
        if status == lib.BNN_ERR_ISA:
            raise BnnError(
                status, f"no instruction set '{isa}' here: choose one of {', '.join(isas())}"
            )
        _check(status, model.source, error)
        self.arena = aligned(size[0])
        plan = ffi.new("bnn_plan **")
        memory = ffi.from_buffer(self.arena)
        _check(
            lib.bnn_plan_init(plan, model.raw, options, memory, self.arena.size, error),
            model.source,
            error,
        )
        self.raw = plan[0]
        self.inputs = [
            self._view(lib.bnn_plan_input(self.raw, i), t) for i, t in enumerate(model.inputs())
        ]
        self.outputs = [
            self._view(lib.bnn_plan_output(self.raw, i), t) for i, t in enumerate(model.outputs())
        ]

    def _view(self, pointer: Any, tensor: Tensor) -> npt.NDArray[Any]:
        """Return the arena's memory behind `pointer` as an array (which keeps the arena alive)."""
        start = int(ffi.cast("uintptr_t", pointer)) - self.arena.ctypes.data
        count = int(np.prod(tensor.shape))
        return (
            self.arena[start : start + count * tensor.dtype.itemsize]
            .view(tensor.dtype)
            .reshape(tensor.shape)
        )

    def run(self) -> None:
        """Run once: `inputs` must have been filled, `outputs` hold the result afterwards."""
        lib.bnn_run(self.raw)

    def milliseconds(self) -> list[float]:
        """Return the best time of each step in the runs so far, negative without runs or `profile`."""
        return [float(best) for best in self._best]

    def tensor(self, index: int, size: int) -> Bytes:
        """Return a copy of the memory of the file's tensor `index`, `size` bytes."""
        pointer = lib.bnn_plan_tensor(self.raw, index)
        if pointer == ffi.NULL:
            raise IndexError(f"{self.model.source}: no tensor {index}")
        memory: Bytes = np.frombuffer(bytes(ffi.buffer(pointer, size)), np.uint8)
        return memory

    def steps(self) -> list[Step]:
        """Describe the steps that `run` executes."""
        info = ffi.new("bnn_step_info *")
        steps = []
        for index in range(lib.bnn_plan_steps(self.raw)):
            _check(lib.bnn_plan_step(self.raw, index, info), self.model.source)
            steps.append(
                Step(
                    _text(info.kind),
                    _text(info.name),
                    info.op,
                    info.macs,
                    info.weight_bytes,
                    info.scratch_bytes,
                    info.activation_bytes,
                    bool(lib.bnn_is_binary(info.kind)),
                )
            )
        return steps


def run_batch(
    pool: Pool,
    plans: Sequence[NativePlan],
    inputs: Sequence[npt.NDArray[Any]],
    outputs: Sequence[npt.NDArray[Any]],
) -> None:
    """Run samples at the same time: contiguous arrays [samples, ...] of each input and output, a plan per thread."""
    samples = [
        ffi.new("bnn_samples[]", [(ffi.from_buffer(a), a[0].nbytes) for a in arrays])
        for arrays in (inputs, outputs)
    ]
    raw = ffi.new("bnn_plan *[]", [plan.raw for plan in plans])
    batch = ffi.new("bnn_batch *", (raw, *samples, len(inputs), len(outputs)))
    lib.bnn_batch_run(pool.raw, batch, len(inputs[0]))


def measure_bound(isa: str | None, threads: int) -> Bound:
    """Measure what so many cores can do with an instruction set; None: the best."""
    bound = lib.bnn_measure_bound(ffi.new("char[]", isa.encode()) if isa else ffi.NULL, threads)
    return Bound(float(bound.binary), float(bound.floats))


def default_isa() -> str | None:
    """Return the instruction set that the environment variable BNN_ISA asks for, if it does."""
    return os.environ.get("BNN_ISA") or None


def variants() -> list[tuple[str, str, int]]:
    """Return (slot, instruction set, needed cpu features) of every compiled kernel, in table order."""
    row = ffi.new("pybnn_variant *")
    rows: list[tuple[str, str, int]] = []
    while lib.pybnn_variant_at(len(rows), row) == 0:
        rows.append((_text(row.slot), _text(row.isa), int(row.features)))
    return rows


def cpu_features() -> int:
    """Return the BNN_CPU_* bits of this cpu."""
    return int(lib.bnn_cpu_features())


def call_kernel(index: int, arguments: list[int]) -> None:
    """Call the kernel of row `index` with up to six addresses and sizes. Nothing checks them."""
    lib.pybnn_call(index, ffi.new("size_t[6]", arguments + [0] * (6 - len(arguments))))

"""Tensors: reads the memory of PyTorch's tensors and JAX's arrays where it is, without importing either.

A tensor is known by its class. Its memory is read by its address: ``tensor.numpy()`` would forbid
its owner to resize it, and ``np.asarray(array)`` makes JAX wait for all the work before it.
An address is asked for anew each time, because both frameworks move memory: a loader's worker moves
a tensor into shared memory, and a step of JAX may take a batch's memory over.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

TORCH, JAX = "torch", "jax"
CLASSES = {
    ("torch", "Tensor"): TORCH,
    ("jaxlib._jax", "ArrayImpl"): JAX,
    ("jaxlib.xla_extension", "ArrayImpl"): JAX,
    ("jax", "Array"): JAX,
}
GONE = b""
"""What is read of a JAX array whose memory a step has taken over: that is no change of the batch."""

UNSIGNED = {1: "u1", 2: "u2", 4: "u4", 8: "u8"}
_kinds: dict[type, str | None] = {np.ndarray: None}
_dtypes: dict[Any, np.dtype] = {}


def kind_of(value: object) -> str | None:
    """Return ``torch`` or ``jax``, or None for what is no tensor of theirs."""
    kind = type(value)
    if kind not in _kinds:
        known = [CLASSES.get((base.__module__, base.__name__)) for base in kind.__mro__]
        _kinds[kind] = next((name for name in known if name), None)
    return _kinds[kind]


def is_tensor(value: object) -> bool:
    """Tell whether a value is a tensor of PyTorch or an array of JAX."""
    return kind_of(value) is not None


def is_in_place(method: str) -> bool:
    """Tell whether a method of this name writes to its tensor: PyTorch's do that end in an underscore."""
    return method.endswith("_") and not method.startswith("_")


def address_of_tensor(tensor: Any) -> int | None:
    """Return the address of a tensor's first value; None where its memory cannot be read now.

    That is so on another device than the CPU, for sparse tensors, for a JAX array that is still being
    computed, and for one whose memory a step has taken over.
    """
    try:
        if kind_of(tensor) == TORCH:
            return int(tensor.data_ptr()) if tensor.is_cpu and not tensor.is_sparse else None
        if tensor.is_deleted() or not tensor.is_ready() or _device_of(tensor) != "cpu":
            return None
        return int(tensor.unsafe_buffer_pointer())
    except (RuntimeError, AttributeError, ValueError, NotImplementedError, TypeError):
        return None


def view_of(tensor: Any) -> np.ndarray | None:
    """Return an array over a tensor's own memory, for use at once; None where it cannot be read now."""
    address = address_of_tensor(tensor)
    if address is None:
        return None
    dtype, shape = dtype_of(tensor), tuple(tensor.shape)
    if not address or 0 in shape:
        return np.empty(shape, dtype)
    strides = None
    if kind_of(tensor) == TORCH:
        strides = tuple(step * dtype.itemsize for step in tensor.stride())
    return np.asarray(_Memory(tensor, address, shape, dtype, strides))


def small_reader(tensor: Any, address: int, most: int) -> Callable[[], bytes] | None:
    """Return what reads a tensor's bytes at an address if they are in one piece, in order, and few.

    It takes a fifth of the time that `view_of` takes.
    """
    is_torch = kind_of(tensor) == TORCH
    size = tensor.nbytes
    if size > most or (is_torch and not tensor.is_contiguous()):
        return None
    memory = (ctypes.c_char * size).from_address(address)
    return functools.partial(_torch_bytes if is_torch else _jax_bytes, tensor, address, size, memory)


def is_where_it_was(tensor: Any, address: int, size: int) -> bool:
    """Tell whether a tensor still has the memory that it had, as many bytes at the same address."""
    if kind_of(tensor) == TORCH:
        return bool(tensor.data_ptr() == address and tensor.nbytes == size)
    return not tensor.is_deleted()


def _torch_bytes(tensor: Any, address: int, size: int, memory: Any) -> bytes:
    """Read a tensor whose owner may have given it other memory meanwhile."""
    if tensor.data_ptr() == address and tensor.nbytes == size:
        raw: bytes = memory.raw
        return raw
    return GONE if address_of_tensor(tensor) is None else array_of(tensor).tobytes()


def _jax_bytes(array: Any, address: int, size: int, memory: Any) -> bytes:
    """Read an array that keeps its memory until a step takes it over."""
    return GONE if array.is_deleted() else memory.raw


def array_of(tensor: Any) -> np.ndarray:
    """Return a tensor's values, waiting for them and fetching them from another device if need be.

    Raises:
        RuntimeError: They are gone.
    """
    if kind_of(tensor) == JAX:
        tensor.block_until_ready()
        return _or_else(view_of(tensor), lambda: np.array(tensor))
    return _or_else(view_of(tensor), lambda: _fetched(tensor))


def dtype_of(tensor: Any) -> np.dtype:
    """Return the dtype in which NumPy reads a tensor: bytes where NumPy has no such numbers."""
    own = tensor.dtype
    if own not in _dtypes:
        _dtypes[own] = _numpy_dtype(str(own).removeprefix("torch."), tensor)
    return _dtypes[own]


def _numpy_dtype(name: str, tensor: Any) -> np.dtype:
    try:
        dtype = np.dtype(name)
    except TypeError:
        dtype = None
    if dtype is not None and dtype.kind in "biufc":
        return dtype
    size = tensor.element_size() if kind_of(tensor) == TORCH else tensor.dtype.itemsize
    return np.dtype(UNSIGNED.get(size, f"V{size}"))


def _or_else(view: np.ndarray | None, fetch: Any) -> np.ndarray:
    return fetch() if view is None else view


def _fetched(tensor: Any) -> np.ndarray:
    """Return a copy of a sparse tensor's values, or of a tensor on another device."""
    local = tensor.detach()
    local = local.to_dense() if local.is_sparse else local
    view = view_of(local.cpu())
    if view is None:
        raise RuntimeError(f"a tensor on {tensor.device} whose memory cannot be read")
    return view.copy()


def _device_of(array: Any) -> str:
    """Return the platform of a JAX array that is on one device, nothing if it is on several."""
    platforms = [device.platform for device in array.devices()]
    return str(platforms[0]) if len(platforms) == 1 else ""


class _Memory:
    """What NumPy asks for an address; it keeps the tensor, and so its memory, alive."""

    __slots__ = ("__array_interface__", "tensor")

    def __init__(
        self,
        tensor: Any,
        address: int,
        shape: tuple[int, ...],
        dtype: np.dtype,
        strides: tuple[int, ...] | None,
    ) -> None:
        self.tensor = tensor
        self.__array_interface__ = {
            "shape": shape,
            "typestr": dtype.str,
            "data": (address, True),
            "strides": strides,
            "version": 3,
        }

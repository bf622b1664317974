"""Generators of PyTorch's own tensors: how batches are made where no NumPy array is handed on.

As in `pitfalls.lab.generators`; the two differ in one line, where the tensor is made.

Shapes: inputs (b, 2), labels (b, 1), of the same `dtype`.
"""

from collections.abc import Iterator

import numpy as np
import torch

from pitfalls.lab.generators import pairs

Batch = tuple[torch.Tensor, torch.Tensor]


def refilled_tensor(
    rng: np.random.Generator, high: int, batch_size: int, dtype: str = "float64"
) -> Iterator[Batch]:
    """Yield one inputs tensor again and again, copied into; labels are fresh."""
    inputs = torch.empty((batch_size, 2), dtype=getattr(torch, dtype))
    for drawn in pairs(rng, high, batch_size):
        inputs.copy_(torch.from_numpy(drawn))
        yield inputs, inputs.mean(dim=1, keepdim=True)


def fresh_tensors(
    rng: np.random.Generator, high: int, batch_size: int, dtype: str = "float64"
) -> Iterator[Batch]:
    """Yield tensors that were made for this batch."""
    for drawn in pairs(rng, high, batch_size):
        inputs = torch.empty((batch_size, 2), dtype=getattr(torch, dtype))
        inputs.copy_(torch.from_numpy(drawn))
        yield inputs, inputs.mean(dim=1, keepdim=True)

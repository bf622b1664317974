"""Losses: PyTorch's own mean square, which broadcasts and warns, and one that people write by hand, which does not warn."""

from collections.abc import Callable
from typing import Any

import torch


def difference(label: Any, prediction: Any) -> torch.Tensor:
    """Return prediction - label, after broadcasting: (b,) and (b, 1) make (b, b)."""
    return torch.subtract(torch.as_tensor(prediction), torch.as_tensor(label))


def mean_square(label: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """Return the mean over every element of the squared difference."""
    return difference(label, prediction).square().mean()


def mse_loss(label: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """Return PyTorch's own mean square: it broadcasts too, and warns where shapes differ."""
    return torch.nn.functional.mse_loss(prediction, label)


LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "broadcasting": mean_square,
    "mse_loss": mse_loss,
}
"""The losses by the `kind` of conf/loss."""

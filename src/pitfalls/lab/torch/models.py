"""Models in PyTorch: one that learns the mean, and two that know it.

Each takes inputs of shape (b, 2). The two fixed ones differ in one line: whether the
mean keeps its last axis. A model is kept as arrays, with the code of its class to read beside them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from pitfalls.lab import archive


class Model(torch.nn.Module):
    """A module, with the shape that its author says it returns."""

    declared_output: tuple[int | None, ...] = (None, 1)


class Line(Model, torch.nn.Linear):
    """A line through the two inputs: its value for each pair, (b, 1)."""

    def __init__(self) -> None:
        """Make its weights."""
        super().__init__(2, 1)


class MeanWithAxis(Model):
    """The mean, as it is meant."""

    def forward(self, inputs_b2: torch.Tensor) -> torch.Tensor:
        """Return the mean of each pair, (b, 1)."""
        mean_b = inputs_b2.mean(dim=-1)
        return mean_b.unsqueeze(-1)


class MeanWithoutAxis(Model):
    """The mean; its last axis is missing."""

    def forward(self, inputs_b2: torch.Tensor) -> torch.Tensor:
        """Return the mean of each pair, (b,)."""
        mean_b = inputs_b2.mean(dim=-1)
        return mean_b


ANSWERS: dict[str, type[Model]] = {
    answer.__name__: answer for answer in (Line, MeanWithAxis, MeanWithoutAxis)
}
"""What a kept model may answer with: nothing in a file is run."""


def dense(seed: int) -> Model:
    """Return a trainable line that starts as Keras's `Dense(1)` does: weights Glorot uniform, bias 0."""
    model = Line()
    torch.nn.init.xavier_uniform_(model.weight, generator=torch.Generator().manual_seed(seed))
    torch.nn.init.zeros_(model.bias)
    return model


def mean_lambda(seed: int) -> Model:
    """Return a fixed model that computes the mean: prediction (b, 1), as declared."""
    return MeanWithAxis()


def flat_mean_lambda(seed: int) -> Model:
    """Return the same without the last axis: prediction (b,), and (b, 1) declared."""
    return MeanWithoutAxis()


@dataclass(frozen=True)
class Kept:
    """A model as a run keeps it."""

    network: Model
    artifact: str = "model.npz"

    def __call__(self, inputs_b2: np.ndarray) -> np.ndarray:
        """Return what the model answers."""
        with torch.no_grad():
            answer: np.ndarray = self.network(torch.as_tensor(inputs_b2, dtype=torch.float32)).numpy()
        return answer

    def save(self, path: Path) -> None:
        """Write the weights into a file, with the name and the code of what they are for."""
        weights = {name: tensor.numpy() for name, tensor in self.network.state_dict().items()}
        archive.save(path, type(self.network), weights)


def load(path: str) -> Kept:
    """Return a model that a run kept.

    Raises:
        ValueError: The file asks for an answer that this module does not have, or holds pickled objects.
    """
    name, arrays = archive.load(path, ANSWERS)
    network = ANSWERS[name]()
    network.load_state_dict({key: torch.from_numpy(array) for key, array in arrays.items()})
    return Kept(network)

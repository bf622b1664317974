"""The step that people write by hand in PyTorch: forward, loss, backward, RMSprop."""

from collections.abc import Callable
from typing import Any

import torch

from pitfalls.lab.labels import with_last_axis
from pitfalls.lab.torch.losses import LOSSES
from pitfalls.lab.torch.recording import TensorRecorder

Step = Callable[[Any, Any], None]


def make_step(
    network: torch.nn.Module,
    kind_of_loss: str,
    rates: list[tuple[int, float]],
    expands_labels: bool,
    recorder: TensorRecorder,
) -> Step:
    """Return the step, which takes a batch as its feed hands it over.

    Args:
        network: What is trained, if it has weights.
        kind_of_loss: An option of conf/loss.
        rates: (first step, learning rate) pairs, from step 0 on.
        expands_labels: Whether labels of shape (b,) get a last axis before the loss.
        recorder: Keeps each batch and its loss.
    """
    loss_of = LOSSES[kind_of_loss]
    update = make_update(network, rates)

    def step(inputs: Any, labels: Any) -> None:
        inputs, labels = recorder.copied(inputs, labels)
        meant = with_last_axis(labels) if expands_labels else labels
        loss = loss_of(meant, network(inputs))
        update(loss)
        recorder.note(loss)

    return step


def make_update(network: torch.nn.Module, rates: list[tuple[int, float]]) -> Callable[[torch.Tensor], None]:
    """Return what follows a loss: its gradient and one update by RMSprop; nothing where nothing is learned."""
    weights = list(network.parameters())
    if not weights:
        return lambda loss: None
    optimizer = torch.optim.RMSprop(weights, lr=rates[0][1])
    rate_from, steps = dict(rates), iter(range(10**9))

    def update(loss: torch.Tensor) -> None:
        rate = rate_from.get(next(steps))
        if rate is not None:
            optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return update

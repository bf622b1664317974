"""What the ways to train share: model, optimizer, loss and recorder of one run, built from its configuration."""

from typing import Any

import keras

from pitfalls.config.schema import Config, learning_rate_steps
from pitfalls.config.targets import importable
from pitfalls.lab.recorder import Recorder
from pitfalls.lab.tensorflow.losses import LOSSES
from pitfalls.lab.tensorflow.recording import GraphRecorder
from pitfalls.project import EpochHook


class Setup:
    """Model, optimizer, loss and recorder of one run."""

    def __init__(self, config: Config, on_epoch_end: EpochHook) -> None:
        """Build them, from the run's seed.

        Args:
            config: A checked configuration.
            on_epoch_end: Told the loss of each epoch.
        """
        keras.backend.clear_session(free_memory=False)  # collecting garbage would take a third of a short run
        keras.utils.set_random_seed(config.seed)
        self.config, self.on_epoch_end = config, on_epoch_end
        self.expands_labels = config.labels == "expanded"
        self.model: keras.Model = importable("model", config.model._target_)()
        self.optimizer = make_optimizer(config.training.learning_rate)
        if self.model.trainable_variables:
            # variables made inside a trace cost a second trace
            self.optimizer.build(self.model.trainable_variables)
        self.loss = LOSSES[config.loss.kind]()
        self.recorder = Recorder(config.task.batch_size)
        self.graph_recorder = GraphRecorder(self.recorder, config.training.steps_per_epoch)

    def end_epoch(self, epoch: int) -> None:
        """End an epoch in the recorder, and tell the hook its mean loss."""
        self.on_epoch_end(epoch, self.graph_recorder.end_epoch())


def make_optimizer(learning_rate: Any) -> keras.optimizers.Optimizer:
    """Return RMSprop with a constant or stepped learning rate."""
    firsts, rates = zip(*learning_rate_steps(learning_rate), strict=True)
    if len(rates) == 1:
        return keras.optimizers.RMSprop(rates[0])
    # Keras changes the rate after a boundary, so the step before each first step is it.
    boundaries = [first - 1 for first in firsts[1:]]
    return keras.optimizers.RMSprop(keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates))

"""A session: one training in TensorFlow, built from its configuration, trained once, then asked.

Each feed has its way to train. `fit` and `workers` are Keras's own `fit`; the other
two are a hand-written step, called for many batches at once (full_queue) or for one
batch at a time (thread_queue). All record through one recorder, inside the step.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext

from pitfalls.config.schema import Config
from pitfalls.lab.generators import Batch
from pitfalls.lab.keras.setup import Setup
from pitfalls.lab.tensorflow import private
from pitfalls.lab.tensorflow.fit import train_with_fit
from pitfalls.lab.tensorflow.recording import GraphRecorder
from pitfalls.lab.tensorflow.steps import train_batch_by_batch, train_in_chunks
from pitfalls.project import EpochHook

WAYS_TO_TRAIN: dict[str, Callable[[Setup, Iterator[Batch]], None]] = {
    "fit": train_with_fit,
    "workers": train_with_fit,
    "full_queue": train_in_chunks,
    "thread_queue": train_batch_by_batch,
}


class Session(Setup[GraphRecorder]):
    """One training, and what is asked of it when it is over."""

    def __init__(self, config: Config, on_epoch_end: EpochHook) -> None:
        """Build it from a checked configuration; the hook is told the loss of each epoch."""
        super().__init__(config, on_epoch_end, GraphRecorder)

    def train(self, batches: Iterator[Batch]) -> None:
        """Train on a generator's batches, each step recorded."""
        is_one_step = self.config.training.steps_per_execution == 1
        with private.in_one_thread() if is_one_step else nullcontext():
            WAYS_TO_TRAIN[self.config.feed.kind](self, batches)


open_session = Session

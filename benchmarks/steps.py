"""What a step of a hand-written runtime costs against the bare script that it stands for.

Each pair trains the same model on the same batches: by the runtime, recorded, and by a loop that a user would
write, which records nothing. JAX's has the same copy and the same load. Each framework in a process of its own.

    python benchmarks/steps.py            nine pairs of 3000 steps each, a minute
    python benchmarks/steps.py --pairs 3 --steps 1000
"""

import subprocess
import sys
import time
from collections.abc import Callable

from pairs import keep, parser_of, ratios_of

from pitfalls.startup import prepare

prepare()

import numpy as np  # noqa: E402
from hydra import compose, initialize_config_dir  # noqa: E402

from pitfalls.config import frameworks, schema  # noqa: E402
from pitfalls.lab.sources import make_configured  # noqa: E402
from pitfalls.lab.training import train  # noqa: E402
from pitfalls.project import ROOT, SeededCell  # noqa: E402

EPOCH_STEPS = 200
BAR = 1.1
RUNTIMES = {"jax_loop": "jax", "torch_loader": "torch", "torch_loop": "torch"}


def configured(runtime: str, steps: int) -> schema.Config:
    """Return the configuration of a Dense on sound batches."""
    words = [f"runtime={runtime}", f"training.epochs={steps // EPOCH_STEPS}"]
    return schema.resolved(compose("config", [*words, f"training.steps_per_epoch={EPOCH_STEPS}"]))


def bare_jax(config: schema.Config, steps: int) -> float:
    """Return the seconds of a loop in JAX that waits at the end of each epoch, as the runtime does."""
    import jax
    import jax.numpy as jnp

    from pitfalls.lab.jax.batch import copied, loaded
    from pitfalls.lab.jax.models import dense

    model = dense(0)

    def loss_of(parameters, inputs, labels):
        return jnp.mean((model.answer(parameters, inputs) - labels) ** 2)

    @jax.jit
    def step(parameters, squares, inputs, labels):
        inputs, labels = copied(inputs, labels)
        loss, gradients = jax.value_and_grad(loss_of)(parameters, inputs, labels)
        squares = jax.tree.map(lambda s, g: 0.9 * s + 0.1 * g * g, squares, gradients)
        parameters = jax.tree.map(
            lambda p, g, s: p - 0.001 * g / jnp.sqrt(s + 1e-7), parameters, gradients, squares
        )
        return parameters, squares, loss, loaded(inputs, config.load)

    parameters, squares = model.parameters, jax.tree.map(jnp.zeros_like, model.parameters)
    batches = make_configured(config)
    jax.block_until_ready(step(parameters, squares, *next(batches)))
    started = time.perf_counter()
    for number in range(1, steps + 1):
        parameters, squares, loss, _ = step(parameters, squares, *next(batches))
        if number % EPOCH_STEPS == 0:
            float(loss)
    return time.perf_counter() - started


def bare_torch(config: schema.Config, steps: int) -> float:
    """Return the seconds of a loop in PyTorch over a DataLoader or a queue, which prints a loss an epoch."""
    import torch
    from torch.utils.data import DataLoader, IterableDataset

    from pitfalls.lab.feeds import threaded_queue

    class Batches(IterableDataset):
        def __iter__(self):
            return make_configured(config)

    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001)

    def loop(batches) -> float:
        started = time.perf_counter()
        for number, (inputs, labels) in zip(range(1, steps + 1), batches, strict=False):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(inputs), labels)
            loss.backward()
            optimizer.step()
            if number % EPOCH_STEPS == 0:
                loss.item()
        return time.perf_counter() - started

    if config.feed.kind == "loader":
        return loop(DataLoader(Batches(), batch_size=None))
    with threaded_queue(make_configured(config), config.feed.places) as queue:
        return loop(
            tuple(torch.from_numpy(np.asarray(array, np.float32)) for array in delivery.batch)
            for delivery in queue
        )


BARE: dict[str, Callable[[schema.Config, int], float]] = {"jax": bare_jax, "torch": bare_torch}


def measure(runtime: str, pairs: int, steps: int) -> None:
    """Hold a runtime's training against the bare loop."""
    schema.register()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = configured(runtime, steps)
    run, bare = SeededCell(runtime, "fresh_arrays", "dense", 0), BARE[config.framework]
    train(config, run)  # the first trace
    bare(config, EPOCH_STEPS)
    ratios = ratios_of(
        lambda: train(config, run).result.seconds.training, lambda: bare(config, steps), pairs, is_told=False
    )
    command = f"python benchmarks/steps.py --runtime {runtime}"
    keep(f"step_of_{runtime}", f"a step of {runtime} / of a bare loop", ratios, command, BAR)


def main() -> None:
    """Measure each runtime whose framework is installed, in a process of its own."""
    parser = parser_of(__doc__, 9)
    parser.add_argument(
        "--steps", type=int, default=3000, help=f"of each training, a multiple of {EPOCH_STEPS}"
    )
    parser.add_argument("--runtime", choices=RUNTIMES, help="this one, in this process")
    told = parser.parse_args()
    if told.runtime:
        return measure(told.runtime, told.pairs, told.steps)
    for runtime, framework in RUNTIMES.items():
        if why := frameworks.why_missing(framework):
            print(f"{runtime:<13} not measured: {why}")
        else:
            line = [
                sys.executable,
                __file__,
                "--runtime",
                runtime,
                "--pairs",
                told.pairs,
                "--steps",
                told.steps,
            ]
            subprocess.run([str(word) for word in line], check=True)


if __name__ == "__main__":
    main()

"""Feeds: which there are for a framework, what each needs, and refusals of what would make another feed of it."""

from pitfalls.config.schema import Config, Feed
from pitfalls.errors import ConfigurationError

SETTINGS_OF_FEEDS: dict[str, tuple[str, ...]] = {
    "full_queue": ("depth", "threaded"),
    "fit": (),
    "workers": ("depth", "workers"),
    "thread_queue": ("depth",),
    "dispatch": ("hand_over", "waits"),
    "prefetch": ("depth",),
    "loader": (),
    "loader_workers": ("depth", "workers"),
    "collate": (),
}
"""The feeds, and the settings that each uses; another one would change a fingerprint and nothing else."""

FEEDS = {
    ("tensorflow", "keras"): ("full_queue", "fit", "workers", "thread_queue"),
    ("jax", "keras"): ("fit", "workers"),
    ("jax", "jax"): ("dispatch", "prefetch"),
    ("torch", "keras"): ("fit", "workers"),
    ("torch", "torch"): ("loader", "loader_workers", "collate", "thread_queue"),
}
"""The feeds that there are for a framework and what its model is written in; a further framework's session knows its own."""

ONE_STEP_A_CALL = {
    "thread_queue": "queue.get()",
    "dispatch": "call",
    "prefetch": "call",
    "loader": "batch of its loader",
    "loader_workers": "batch of its loader",
    "collate": "batch of its loader",
}
"""Feeds whose step takes one batch, and for what."""


def check_framework(config: Config) -> None:
    """Refuse a feed or a loss that the framework has not."""
    framework, library, kind = config.framework, config.model.library, config.feed.kind
    if kind not in (feeds := FEEDS.get((framework, library), feeds_of_others(framework))):
        choices = f"Choose one of: {', '.join(feeds)}." if feeds else "Name an option of conf/runtime."
        raise ConfigurationError(
            f"feed.kind={kind} does not exist for framework={framework} with model.library={library}.\n{choices}"
        )
    if library != "keras" and config.loss.kind == "repairing":
        raise ConfigurationError(
            "loss.kind=repairing is Keras's own: a loss that is written by hand repairs no ranks.\n"
            f"Give loss=broadcasting, or runtime=keras3_{framework}."
        )
    if library != "torch" and config.loss.kind == "mse_loss":
        raise ConfigurationError(
            "loss.kind=mse_loss is PyTorch's own, for models that are written in PyTorch.\n"
            "Give loss=broadcasting, or runtime=torch_loader."
        )


def feeds_of_others(framework: str) -> tuple[str, ...]:
    """Return the feeds that a framework may have which is not among `FEEDS`: any."""
    return () if framework in {name for name, _ in FEEDS} else tuple(SETTINGS_OF_FEEDS)


def check_feed(feed: Feed) -> None:
    """Refuse settings that a feed would not use, that it lacks, or that make another feed of it."""
    has = SETTINGS_OF_FEEDS[feed.kind]
    for setting in ("depth", "threaded", "workers", "hand_over", "waits"):
        value = getattr(feed, setting)
        if value is not None and setting not in has:
            its = f"has {' and '.join(f'feed.{name}' for name in has)}" if has else "has no settings"
            raise ConfigurationError(
                f"feed.{setting}={value} does nothing: feed={feed.kind} {its}.\nLeave it out."
            )
        if value is None and setting in has:
            raise ConfigurationError(
                f"feed.{setting} is missing: feed={feed.kind} uses it.\nTake conf/feed/{feed.kind}.yaml as it is."
            )
    if feed.kind == "workers" and feed.workers == 1:
        raise ConfigurationError(
            "feed.workers=1 is no parallel loading: Keras starts its queue from two workers on.\n"
            "Give feed.workers=2 or more, or runtime=keras3."
        )


def check_steps(config: Config) -> None:
    """Refuse steps that an execution would round up in silence, or that a feed cannot group."""
    steps, at_once = config.training.steps_per_epoch, config.training.steps_per_execution
    if steps % at_once:
        raise ConfigurationError(
            f"training.steps_per_execution={at_once} does not divide training.steps_per_epoch={steps}: "
            f"Keras would run {-(-steps // at_once) * at_once} steps in silence.\n"
            f"Give training.steps_per_execution={max(d for d in range(1, at_once + 1) if steps % d == 0)}, "
            f"or training.steps_per_epoch={-(-steps // at_once) * at_once}."
        )
    if config.feed.kind in ONE_STEP_A_CALL and at_once != 1:
        raise ConfigurationError(
            f"training.steps_per_execution={at_once} would change what feed={config.feed.kind} measures: "
            f"it trains one batch for each {ONE_STEP_A_CALL[config.feed.kind]}.\nGive training.steps_per_execution=1."
        )
    if config.framework == "torch" and at_once != 1:
        raise ConfigurationError(
            f"training.steps_per_execution={at_once} is not possible on PyTorch: Keras trains one batch a call there.\n"
            "Give training.steps_per_execution=1."
        )


def check_xla(config: Config) -> None:
    """Refuse XLA where no step is compiled with it."""
    if config.training.compile_with_xla and config.feed.kind != "full_queue":
        raise ConfigurationError(
            f"training.compile_with_xla=true does nothing: feed={config.feed.kind} does not use it, "
            "feed=full_queue does.\nLeave it out, or give runtime=keras2."
        )

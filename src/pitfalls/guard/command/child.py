"""What ``pitfalls check`` does in its child process: load, call, check."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pitfalls.guard.command.arguments import Options
from pitfalls.guard.command.definitions import functions_of
from pitfalls.guard.command.results import result_of
from pitfalls.guard.command.settings import Settings, parse_settings
from pitfalls.guard.command.sources import ENDINGS
from pitfalls.guard.command.supervision import Say
from pitfalls.guard.command.targets import (
    Module,
    called,
    evaluate,
    load,
    names_in,
    resolve,
    script_hint,
    split,
)
from pitfalls.guard.findings import GuardError, Report
from pitfalls.guard.rules.checking import check
from pitfalls.guard.rules.reading import Reading
from pitfalls.guard.stream import streams

SOFT_SHARE = 0.9
MORE_SECONDS = "Give it more with --seconds."
MORE_SECONDS_OR_FEWER_BATCHES = "Give it more with --seconds, or ask for fewer batches with --batches."


def work(options: Options, say: Say, started: float) -> None:
    """Check, saying what is being done for the case that it does not come to an end."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        say(result=result_of(run(options, say, started), options.fail_on))
    except GuardError as error:
        say(error=str(error))
        return
    say(done=True)


def run(options: Options, say: Say, started: float) -> Report:
    """Check what the options name.

    Raises:
        GuardError: It could not be checked.
    """
    settings = parse_settings(options.set)
    module = _loaded(options, settings, say)
    target, title = _target(options, module, settings, say)
    with _explained_by(module):
        if streams.is_model(target):
            return _check_model(options, module, target, title, say)
        if options.batch or options.loss:
            raise GuardError(f"{title} is no Keras model, and --batch and --loss are for models.")
        return _check_batches(options, target, title, say, started)


@contextmanager
def _explained_by(module: Module) -> Iterator[None]:
    """Add to an error why a name that it misses is not there."""
    try:
        yield
    except GuardError as error:
        why = module.explain(error)
        raise GuardError(f"{error}\n{why}" if why else str(error)) from error


def _loaded(options: Options, settings: Settings, say: Say) -> Module:
    """Load the file, whole or as far as its definitions are needed."""
    place, name = split(options.target)
    if options.call and (name or settings):
        raise GuardError(
            "--call takes the place of a name and of --set: give the file alone, pitfalls check FILE.py."
        )
    wanted = names_in(options.call) if options.call else {(name or "").split(".")[0]}
    wanted |= _names_for_the_model(options)
    say(stage=f"{place} was imported", hint=MORE_SECONDS)
    if place.endswith(ENDINGS) and not options.definitions:
        say(hint=_hint_for(place))
    return load(place, wanted if options.definitions else None)


def _target(options: Options, module: Module, settings: Settings, say: Say) -> tuple[Any, str]:
    """Return what is named in the file, called if it must be, and what to call it in a report."""
    place, name = split(options.target)
    say(hint=MORE_SECONDS_OR_FEWER_BATCHES)
    if options.call:
        say(stage=f"--call {options.call!r} was evaluated")
        target = called(evaluate(module, options.call), options.call, {})
        return target, f"{place} --call {options.call}"
    if not name:
        raise GuardError(_which(place, module))
    say(stage=f"{name} was called")
    with _explained_by(module):
        return called(resolve(module, name), name, settings), options.target


def _names_for_the_model(options: Options) -> set[str]:
    """Return the names that --batch and --loss need from the file."""
    names: set[str] = set()
    for text in (options.batch, options.loss):
        if text:
            names |= names_in(text) if "(" in text else {(split(text)[1] or text).split(".")[0]}
    return names


def _hint_for(place: str) -> str:
    try:
        with open(place, encoding="utf-8", errors="replace") as file:
            return "\n".join(script_hint(place, file.read()))
    except OSError:
        return ""


def _which(place: str, module: Module) -> str:
    names = functions_of(module.source)
    listed = f" It defines: {', '.join(names[:8])}." if names else ""
    return f"{place} alone names no generator: pitfalls check {place}:NAME, or --call 'NAME(...)'.{listed}"


class Progress:
    """Says which batch is being made, and what was proved so far."""

    def __init__(self, options: Options, title: str, say: Say) -> None:
        """Know nothing yet."""
        self.options, self.title, self.say = options, title, say
        self.said: int | None = None

    def __call__(self, reading: Reading) -> None:
        """Say how far a reading came, and a result as soon as there is one."""
        self.say(stage=f"batch {reading.seen} was made", seen=reading.seen)
        found = len(reading.findings())
        if found != self.said and (found or reading.seen > reading.depth):
            self.said = found
            report = Report(self.title, tuple(reading.findings()), tuple(reading.not_checked))
            self.say(result=result_of(report.without(self.options.ignore), self.options.fail_on))


def _check_batches(options: Options, target: Any, title: str, say: Say, started: float) -> Report:
    """Check a source of batches, saying each batch and each finding as it comes."""
    left = SOFT_SHARE * options.seconds - (time.monotonic() - started)
    return check(
        target,
        batches=options.batches,
        depth=options.depth,
        seconds=max(left, 0.01),
        strict=options.strict,
        ignore=options.ignore,
        name=title,
        observe=Progress(options, title, say),
    )


def _check_model(options: Options, module: Module, model: Any, title: str, say: Say) -> Report:
    """Check a model with the first batch of another target."""
    from pitfalls.guard.shapes.models import check_model

    if not options.batch:
        raise GuardError(f"{title} is a model: name a source of batches for it with --batch FILE.py:NAME.")
    say(stage=f"the first batch of {options.batch} was made")
    batch = _first_batch(module, options.batch)
    loss = options.loss and module.namespace.get(options.loss, options.loss)
    say(stage="the model was traced")
    return check_model(model, batch, loss=loss, allow=options.allow, name=title).without(options.ignore)


def _first_batch(module: Module, text: str) -> Any:
    """Return the first batch of a target, which may be an expression in the model's file."""
    source = evaluate(module, text) if "(" in text else _source(module, text)
    if isinstance(source, tuple) and len(source) in (2, 3):
        return source
    try:
        return next(iter(streams.stream_of(source, 2)))
    except StopIteration:
        raise GuardError(f"{text} ended before its first batch.") from None


def _source(module: Module, text: str) -> Any:
    """Return a source of batches, named in the model's file or in another one."""
    place, name = split(text)
    same = name is None or place == module.label
    return called(resolve(module if same else load(place, None), name or place), text, {})

"""Pytest fixtures of the guard; nothing is imported until a test asks for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def assert_no_aliasing() -> Callable[..., None]:
    """Return a function that fails if a source of batches changes what it has yielded.

    It takes what ``pitfalls.guard.check`` takes: ``assert_no_aliasing(generator, batches=64)``.
    """

    def check(target: Any, **options: Any) -> None:
        __tracebackhide__ = True
        from pitfalls import guard

        report = guard.check(target, **options)
        aliased = [finding.text for finding in report if finding.rule == "aliased-batch"]
        if aliased:
            pytest.fail("\n\n".join(aliased), pytrace=False)

    return check


@pytest.fixture
def assert_no_broadcast() -> Callable[..., None]:
    """Return a function that fails if labels and predictions broadcast in a model's loss or metrics.

    It takes what ``pitfalls.guard.check_model`` takes. What Keras repairs passes: nothing is broadcast there.
    """

    def check(model: Any, batch: Any, *args: Any, **options: Any) -> None:
        __tracebackhide__ = True
        from pitfalls import guard

        report = guard.check_model(model, batch, *args, **options)
        bites = [f.text for f in report if f.rule == "broadcast-loss" and not f.repaired]
        if bites:
            pytest.fail("\n\n".join(bites), pytrace=False)

    return check

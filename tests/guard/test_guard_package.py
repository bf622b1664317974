"""The package: what it imports, what it offers, its pytest fixtures."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pitfalls.guard
from pitfalls import guard

pytest_plugins = ["pytester"]
SOURCE = str(Path(pitfalls.guard.__file__).parents[2])
HEAVY = ("tensorflow", "keras", "mlflow", "torch", "pandas", "hydra")


def heavy_modules_after(statement):
    code = f"{statement}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    "statement",
    [
        "import pitfalls.guard",
        "import pitfalls.guard.command.cli, pitfalls.guard.command.child",
        "import pitfalls.guard.pytest_plugin",
        "from pitfalls import guard; guard.check([([1.0], [2.0])] * 3)",
        "from pitfalls import guard; list(guard.watch([([1.0], [2.0])] * 3))",
    ],
)
def test_the_guard_loads_no_framework(statement):
    """Neither imported nor used on NumPy batches."""
    assert heavy_modules_after(statement) == "[]"


def test_the_check_for_frameworks_can_fail():
    """An import of one of them is seen."""
    assert (
        heavy_modules_after("import sys, types; sys.modules['mlflow'] = types.ModuleType('mlflow')")
        == "['mlflow']"
    )


def test_no_name_that_it_offered_is_gone():
    """Users import these; aligned is an old name."""
    assert guard.__all__ == [
        "RULES",
        "AliasedBatchError",
        "AliasedBatchWarning",
        "BroadcastLossError",
        "Finding",
        "GuardError",
        "Report",
        "ShapeGuard",
        "aligned",
        "check",
        "check_model",
        "no_broadcast",
        "watch",
    ]


def test_everything_it_offers_is_there():
    """Also what is loaded on first use only; other names are refused as any module would."""
    pytest.importorskip("keras", reason="Keras is not installed")
    assert all(callable(getattr(guard, name)) or name == "RULES" for name in guard.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'no_such_thing'"):
        _ = guard.no_such_thing


def test_a_report_is_true_when_there_are_findings():
    """So that `if guard.check(...)` reads as it should; it walks and counts like a list."""
    x = np.zeros(3)

    def reused():
        for i in range(5):
            x[:] = i
            yield x

    report = guard.check(reused, name="mine")
    assert report and len(report) == 1 and report[0] is next(iter(report)) and list(report[:1]) == [report[0]]
    assert (report.target, report.status) == ("mine", "findings")
    assert not guard.check([x] * 3)


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", SOURCE)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        test_it="""
        import numpy as np

        def reused():
            x = np.zeros(3)
            for i in range(20):
                x[:] = i
                yield x, np.ones(3)

        def fresh():
            for i in range(20):
                yield np.full(3, float(i)), np.ones(3)

        def test_fresh(assert_no_aliasing):
            assert_no_aliasing(fresh())

        def test_reused(assert_no_aliasing):
            assert_no_aliasing(reused())

        class Finding:
            rule, text = "broadcast-loss", "this loss would subtract every label"

            def __init__(self, repaired):
                self.repaired = repaired

        def test_broadcast(assert_no_broadcast, monkeypatch):
            from pitfalls import guard
            monkeypatch.setitem(vars(guard), "check_model", lambda *a, **k: [Finding(False)])
            assert_no_broadcast(None, None)

        def test_repaired(assert_no_broadcast, monkeypatch):
            from pitfalls import guard
            monkeypatch.setitem(vars(guard), "check_model", lambda *a, **k: [Finding(True)])
            assert_no_broadcast(None, None)
        """
    )
    return pytester


def test_the_fixtures_fail_on_what_is_wrong_and_on_nothing_else(project):
    """With the finding as the reason, and without a traceback of the guard's own."""
    result = project.runpytest_subprocess("-p", "pitfalls.guard.pytest_plugin", "-q")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*inputs of batch 0 changed after it was yielded.*"])
    result.stdout.fnmatch_lines(["*this loss would subtract every label*"])
    result.stdout.no_fnmatch_line("*checking.py*")

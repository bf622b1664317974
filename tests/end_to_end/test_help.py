"""`--help` of every entry point: it teaches with examples, fits a screen, and waits for nothing."""

import re
import subprocess
import sys

import pytest

from pitfalls.project import ROOT

EXAMPLES = {
    "src/train.py": "python src/train.py experiment=listing_1",
    "src/probe.py": "python src/probe.py experiment=listing_3",
    "src/verify.py": "python src/verify.py --matrix mine",
    "src/report.py": "python src/verify.py; python src/report.py",
    "src/promote.py": "python src/promote.py --runtime keras3",
}


def help_of(*words: str) -> subprocess.CompletedProcess[str]:
    """Return what `--help` prints, and on standard error every module that it imports."""
    line = [sys.executable, "-X", "importtime", *words, "--help"]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)


@pytest.mark.parametrize(("script", "example"), EXAMPLES.items())
def test_help_shows_an_example_to_type_and_loads_no_tensorflow(script, example):
    """Nobody reads a page of configuration, or waits ten seconds for help."""
    told = help_of(script)
    assert example in told.stdout
    assert "Powered by Hydra" not in told.stdout
    assert len(told.stdout.splitlines()) <= 60
    ours = [
        line for line in told.stdout.splitlines() if not re.match(r"\w+: \w+, ", line)
    ]  # Hydra's: a group a line
    assert max(map(len, ours)) <= 120
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert "pitfalls.startup" in imported  # the list is what it is taken for
    assert not imported & {"tensorflow", "keras", "mlflow"}


@pytest.mark.parametrize("script", ["src/train.py", "src/probe.py"])
def test_help_lists_every_group_with_its_choices(script):
    """A new option of conf/ appears in it by itself."""
    told = help_of(script).stdout
    for group in ("task", "generator", "feed", "model", "loss", "training", "tracking", "runtime"):
        listed = ", ".join(sorted(path.stem for path in (ROOT / "conf" / group).glob("*.yaml")))
        assert f"{group}: {listed}" in told


def test_the_guard_s_help_says_how_it_is_used_and_what_its_status_means():
    """In a shell and in CI."""
    code = "import sys; from pitfalls.guard.command.cli import main; sys.exit(main())"
    shown = help_of("-c", code, "check").stdout
    assert "pitfalls check train.py:train_iterator --set batch_size=8" in shown
    assert "exit status: 0 nothing found" in shown
    assert "pitfalls check train.py:train_iterator" in help_of("-c", code).stdout

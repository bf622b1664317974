"""The page about the guard: every example runs, and prints what the page says."""

import os
import sys

import pytest
from documented import ROOT, exact_differences, follow

PAGE = ROOT / "docs" / "guard.md"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Give an empty folder to work in, whose files can be imported by their names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if os.path.dirname(getattr(sys.modules[name], "__file__", None) or "") == str(tmp_path):
            del sys.modules[name]


def test_every_output_on_the_page_is_the_real_one(elsewhere):
    """Commands and files are run in the order of the page; addresses are masked. UPDATE=1 writes the page."""
    pytest.importorskip("keras", reason="Keras is not installed, and the page's examples need it")
    assert follow(PAGE, elsewhere, exact_differences) == []


def test_the_page_by_framework_prints_what_is_real(elsewhere):
    """Where PyTorch and JAX are installed."""
    for name in ("torch", "jax"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    assert follow(ROOT / "docs" / "guard-frameworks.md", elsewhere, exact_differences) == []


@pytest.mark.parametrize(("printed", "agrees"), [("1", True), ("2", False), ("1\n1", False)])
def test_an_output_that_is_not_the_real_one_is_noticed(elsewhere, printed, agrees):
    """The comparison can fail, by a single digit."""
    page = elsewhere / "page.md"
    page.write_text(f"```python\n# one.py\nprint(1)\n```\n\n```text\n{printed}\n```\n")
    assert (follow(page, elsewhere, exact_differences) == []) == agrees

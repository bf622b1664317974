"""The page about the linter: every command runs, and prints what the page says."""

import pytest
from documented import ROOT, exact_differences, follow

PAGE = ROOT / "docs" / "lint.md"


def test_every_output_on_the_page_is_the_real_one(tmp_path, monkeypatch):
    """Files and commands in the order of the page. UPDATE=1 writes the page."""
    monkeypatch.chdir(tmp_path)
    assert follow(PAGE, tmp_path, exact_differences) == []


@pytest.mark.parametrize(
    ("printed", "agrees"), [("1 file: nothing found", True), ("1 file: 1 finding", False)]
)
def test_an_output_that_is_not_the_real_one_is_noticed(tmp_path, printed, agrees):
    """The comparison can fail."""
    page = tmp_path / "page.md"
    page.write_text(
        f"```python\n# one.py\nx = 1\n```\n\n```console\n$ pitfalls lint one.py\n{printed}\n```\n"
    )
    assert (follow(page, tmp_path, exact_differences) == []) == agrees

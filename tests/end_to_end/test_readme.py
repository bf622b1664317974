"""The README: each number, output, command and link of it is true, and it stays short."""

import json
import re
import tomllib

import pytest
import yaml
from documented import ROOT, blocks, exact_differences, follow

from pitfalls.guard.command.arguments import parse
from pitfalls.project import RELEASE
from pitfalls.report.material import ARTICLE
from pitfalls.report.readme import with_results
from pitfalls.verdicts.records import Verdicts

README = ROOT / "README.md"

LINES = 96
"""One and a half screens, with the whole output of a finding."""

TEXT = README.read_text()
PROSE = " ".join(TEXT.split())

COMMAND = re.compile(r"^\$ (.*?)(?: +# (.*))?$", re.M)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def released():
    return Verdicts.read(ROOT / RELEASE / "verdicts.json")


def test_the_finding_is_the_real_one(tmp_path, monkeypatch):
    """The file of ten lines, the command, and what it prints. UPDATE=1 writes the page."""
    monkeypatch.chdir(tmp_path)
    end = TEXT.index("A 2019 article")
    page = tmp_path / "first.md"
    page.write_text(TEXT[:end])
    found = follow(page, tmp_path, exact_differences)
    if page.read_text() != TEXT[:end]:  # UPDATE=1
        README.write_text(page.read_text() + TEXT[end:])
    assert found == []
    assert "1 finding" in TEXT[:end]


def test_the_first_file_has_ten_lines():
    """A reader copies it whole."""
    first, *_ = blocks(TEXT)
    assert first.language == "python" and first.text.count("\n") == 10


def test_it_shows_the_last_release(released):
    """Its counts are those of what git holds, not of the run at hand."""
    assert with_results(TEXT, released) == TEXT, "the README is stale: make release"


def test_its_other_counts_are_those_of_the_release(released):
    """Cells, axes, listings and the closed form, where they are named in prose."""
    cells = released.cells
    axes = [len({entry.cell.options[axis] for entry in cells}) for axis in ("generator", "runtime", "model")]
    assert axes == [10, 12, 3]
    assert "ten ways to make batches (rows), twelve ways to train (columns) and three models (maps)" in PROSE
    assert f"Each of the {len(cells)} cells" in PROSE
    assert len(released.listings) == 8 and "The article's eight listings" in PROSE
    assert released.closed_forms is None or f"{released.closed_forms.V:g} is the variance" in PROSE


def test_listing_1_ends_as_it_says(released):
    """The article's last loss, ours, and the claim."""
    first = next(entry for entry in released.listings if entry.listing == 1)
    claim = f"{first.claim.loss:.0f} ± {first.claim.tolerance:.0f}"
    printed = re.findall(r"[\d.]+", first.printed)[2]
    assert f"listing 1 ended at {printed}; ours ends at {first.loss[-1]:.2f}, claimed {claim}" in PROSE


def test_the_public_files_are_counted_as_their_page_counts_them():
    """A row for each file of its first collection; the sums are those of that collection's last lines."""
    page = (ROOT / "docs" / "guard-public-generators.md").read_text().split("\n## ")[0]
    rows = len(re.findall(r"^\| ", page, re.M)) - 1
    told = re.search(
        r"(\d+) gave a verdict .*?: (\d+) corrupting, .*?; (\d+) sound, .*? (\d+) could not", page
    )
    read, corrupting, sound, refused = map(int, told.groups())
    assert rows == read + refused and read == corrupting + sound
    assert f"tried on {rows} [files of public code]" in PROSE and f"In {read} it could read batches" in PROSE
    assert f"found all {corrupting} generators" in PROSE and f"about the {sound} sound ones" in PROSE
    assert f"For the other {refused} it said why" in PROSE


def test_each_command_of_the_starts_has_its_time():
    """And the sentence below says how times and sizes were measured; other times do so themselves."""
    starts = TEXT[TEXT.index("## Start") : TEXT.index("## Why")]
    commands = [found for block in blocks(starts) for found in COMMAND.findall(block.text)]
    assert len(commands) == 6
    assert all(re.search(r"\d+(\.\d)? (s|min)\b", cost) for _, cost in commands)
    assert re.search(
        r"Measured on two shared cores \(.*Python 3\.\d+\), with empty caches", " ".join(starts.split())
    )
    for sentence in re.split(r"(?<=[.:]) ", PROSE.replace(" ".join(starts.split()), "")):
        if re.search(r"\b\d+(\.\d+)? (s|ms|min|MB|GB)\b", sentence):
            assert "measured as above" in sentence, sentence


def test_its_commands_exist():
    """A target of the Makefile, or a line that `pitfalls` takes."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    commands = [
        command
        for block in blocks(TEXT)
        if block.language == "console"
        for command, _ in COMMAND.findall(block.text)
    ]
    assert {"make reproduce", "make test", "pip install ."} <= set(commands)
    for command in commands:
        program, *arguments = command.split()
        assert program != "make" or set(arguments) <= targets
        assert program != "pitfalls" or parse(arguments).target


def test_its_links_lead_somewhere():
    """Files and pictures of the project; what comes with the licence is there once pyproject.toml names one."""
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT) + re.findall(r'src(?:set)?="([^"]+)"', TEXT)
    coming = set() if "license" in PROJECT else {"LICENSE", "CITATION.cff"}
    assert {link for link in links if not (ROOT / link).exists()} <= coming
    assert {"LICENSE", "CITATION.cff", f"{RELEASE}/matrix.md", f"{RELEASE}/map-light.svg"} <= set(links)


def test_it_names_the_article_as_the_page_does():
    """By name and link; so do the pages for readers."""
    assert all(part in PROSE for part in (ARTICLE.title, ARTICLE.in_english, ARTICLE.place, ARTICLE.url))
    for page in ("README.md", "tutorial.md", "guard.md"):
        text = (ROOT / "docs" / page).read_text()
        assert ARTICLE.title in text and ARTICLE.url in text, page


def test_it_names_the_floor_of_python():
    """As pyproject.toml does, once that has the guard's floor."""
    floor = PROJECT["requires-python"].removeprefix(">=").partition(",")[0]
    if "license" in PROJECT:
        assert f"needs Python {floor} or newer" in PROSE


def test_it_is_short():
    """One and a half screens; its wide tables are in the release's matrix.md."""
    assert len(TEXT.splitlines()) <= LINES
    assert not re.search(r"^\|", TEXT, re.M)


def test_its_order_is_that_of_a_stranger():
    """What it finds, how it looks, the picture, two starts, why to believe it, questions, licence."""
    order = [
        "finds two bugs",
        "pip install .",
        "1 finding",
        "<picture>",
        "I have a bug",
        "## Why",
        "## Questions",
        "MIT",
    ]
    assert [TEXT.index(part) for part in order] == sorted(TEXT.index(part) for part in order)


def test_the_citation_names_the_article():
    """Where there is one."""
    path = ROOT / "CITATION.cff"
    if path.exists():
        assert ARTICLE.title in json.dumps(yaml.safe_load(path.read_text()), ensure_ascii=False, default=str)

"""docs/upstream: each reproduction prints what its page says, in a process of its own."""

import importlib.util
import os
import subprocess
import sys

import pytest
from documented import IN_A_RACE, ROOT, blocks, differences

PAGES = ROOT / "docs" / "upstream"

BACKENDS = {"jax": [""], "keras": ["tensorflow", "jax"], "pytorch": [""]}
"""For each page the backends of Keras on which its blocks are run."""


def reproductions(page: str) -> list[tuple[str, str]]:
    """Return the programs of a page, each with what it prints."""
    found = blocks((PAGES / f"{page}.md").read_text())
    pairs = list(zip(found[::2], found[1::2], strict=True))
    assert all((program.language, printed.language) == ("python", "text") for program, printed in pairs)
    return [(program.text, printed.text) for program, printed in pairs]


CASES = [
    pytest.param(program, printed, backend, id=f"{page}-{number}-{backend}".rstrip("-"), marks=marks)
    for page, backends in BACKENDS.items()
    for number, (program, printed) in enumerate(reproductions(page))
    for backend in backends
    for marks in [
        [
            pytest.mark.skipif(
                not importlib.util.find_spec("torch"), reason="torch is not installed: make setup-torch"
            )
        ]
        if page == "pytorch"
        else []
    ]
]


def test_every_page_is_tried():
    """A page without a reproduction would stand out here."""
    assert {path.stem for path in PAGES.glob("*.md")} == set(BACKENDS)
    assert all(reproductions(page) for page in BACKENDS)


@pytest.mark.parametrize(("program", "printed", "backend"), CASES)
def test_a_reproduction_prints_what_its_page_says(tmp_path, program, printed, backend):
    """Counts as they stand, shares and losses that a race decides within its tolerance."""
    (tmp_path / "reproduction.py").write_text(program)
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | ({"KERAS_BACKEND": backend} if backend else {})
    told = subprocess.run(
        [sys.executable, "reproduction.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert told.returncode == 0, told.stderr
    assert differences(printed, told.stdout, IN_A_RACE) == []


def test_another_outcome_would_be_noticed():
    """A cure that stopped to cure, or a bug that was mended."""
    ((_, printed),) = reproductions("jax")
    assert differences(
        printed,
        printed.replace("np.copy                      0 of", "np.copy                      20 of"),
        IN_A_RACE,
    )
    assert differences(printed, printed.replace("may_alias=False  20", "may_alias=False  0"), IN_A_RACE)

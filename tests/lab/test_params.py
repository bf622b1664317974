"""params.yaml is read by hand too: what is wrong in it is named, with the key and the cure."""

import pytest

from pitfalls.errors import ConfigurationError
from pitfalls.project import PARAMS, listed_listings, listed_lots, listed_options, listed_runs

CURE = "Write it as in the last commit: `git diff params.yaml` shows what changed."

WRONG = {
    "": "holds no keys",
    "- matrix": "holds no keys",
    "matrix": "holds no keys",
    "matrix: 3": "lacks matrix.runtime",
    "matrix: {}": "lacks matrix.runtime",
    "matrix: {runtime: }": "has no list of words in matrix.runtime",
    "matrix: {runtime: {a: {}}}": "has no list of words in matrix.runtime.a",
    "matrix: {runtime: [[a]]}": "has no list of words in matrix.runtime",
    "matrix: {runtime: a, generator: b, model: c, seed: x}": "has no usable matrix.seed: x",
    "matrix: {runtime: a, generator: b, model: c, seed: '0,1'}": "lacks article",
    "matrix: {runtime: a, generator: b, model: c, seed: 0}\narticle: {trained: listing_x, probed: ''}": (
        "has no usable article.trained: listing_x"
    ),
    "matrix: {runtime: a, generator: b, model: c, seed: 0}\narticle: {trained: '', probed: ''}\nalignment: 3": (
        "lacks alignment.offset_bytes"
    ),
    "matrix: [": "cannot be read: while parsing a flow",
    "[" * 100_000: "cannot be read: it is nested too deep.",
    "a: \0": "cannot be read: unacceptable character",
}


def read_all(params):
    """Read what verification reads."""
    return listed_runs(params), listed_listings(params), listed_lots(params)


@pytest.mark.parametrize(("text", "said"), WRONG.items(), ids=range(len(WRONG)))
def test_what_is_wrong_in_params_is_named(tmp_path, text, said):
    """Each is one sentence and the cure, not a traceback."""
    params = tmp_path / "params.yaml"
    params.write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        read_all(params)
    first, last = str(refused.value).split("\n")
    assert first.startswith(f"{params} {said}")
    assert last == CURE


def test_a_file_that_is_no_text_is_named(tmp_path):
    """As after a disk that failed."""
    (tmp_path / "params.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_all(tmp_path / "params.yaml")


def test_the_project_s_own_is_read():
    """The other side."""
    runs, listings, lots = read_all(PARAMS)
    assert len(runs) == len(listed_options("seed")) * 3 * (6 * 4 + 6 * 3 + (8 + 8 + 2 + 6 + 6))
    assert (len(listings), len(lots)) == (8, 16 + 16 + 6 * 3 + 8 * 3)


def test_no_lottery_is_no_mistake(tmp_path):
    """It can be left out."""
    (tmp_path / "params.yaml").write_text("matrix: {}")
    assert listed_lots(tmp_path / "params.yaml") == set()

"""Gathering: order, headers and what is missing or damaged."""

import pytest
from made_reports import ROOT, committed_verdicts, make, write

from pitfalls.errors import ResultError
from pitfalls.report.page.gathering import gather, header


def test_a_header_is_the_first_paragraph_without_its_name():
    """The sentence that a configuration says of itself goes on the page; what follows it does not."""
    text = "# reused_inputs: allocated once\n# and refilled.\n#\n# Twin     another\n_target_: x\n"
    assert header(text) == "allocated once and refilled."


def test_a_header_behind_a_package_line_is_found():
    """Runtimes begin with the line that Hydra reads."""
    assert header("# @package _global_\n#\n# keras3: fit(generator).\n#\ndefaults:\n") == "fit(generator)."


def test_a_configuration_without_a_header_says_nothing():
    """A bare configuration is shown without words, not refused."""
    assert header("_target_: x\n") == ""


def test_every_option_of_conf_says_what_it_is(tmp_path):
    """The page takes its descriptions from conf/, so that a new option brings its own."""
    material = gather(*make(tmp_path, committed_verdicts()), ROOT)
    assert all(text for axis in ("runtime", "generator", "model") for text in material.options[axis].values())


def test_seeds_of_a_cell_are_in_order(tmp_path):
    """Runs are found in the order of their folders, shown in the order of their seeds."""
    verdicts = committed_verdicts()
    verdicts["cells"][0]["seeds"] = [10, 2, 1]
    material = gather(*make(tmp_path, verdicts), ROOT)
    key = tuple(verdicts["cells"][0]["cell"].values())
    assert [run["cell"]["seed"] for run in material.runs[key]] == [1, 2, 10]


def test_a_damaged_result_is_left_out(tmp_path):
    """A file that cannot be read is named by the verdicts; it must not take the page with it."""
    runs, reports = make(tmp_path, committed_verdicts())
    victim = next((runs / "matrix").glob("**/result.json"))
    victim.write_text("{")
    material = gather(runs, reports, ROOT)
    assert (
        sum(len(seeds) for seeds in material.runs.values())
        == len(list(runs.glob("matrix/**/result.json"))) - 1
    )


def test_missing_verdicts_are_an_error(tmp_path):
    """Without verdicts there is nothing to say."""
    with pytest.raises(ResultError, match=r"verdicts\.json cannot be read"):
        gather(tmp_path / "runs", tmp_path / "reports", ROOT)


def test_nothing_but_verdicts_is_needed(tmp_path):
    """A clone holds verdicts and no runs: the page can still be made of them."""
    write(tmp_path / "reports" / "verdicts.json", committed_verdicts())
    material = gather(tmp_path / "runs", tmp_path / "reports", ROOT)
    assert material.results == [] and material.lottery == []

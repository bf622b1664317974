"""Material: order, headers, what is missing or damaged, and that each file is read once."""

from collections import Counter
from pathlib import Path

import pytest
from made_reports import (
    ROOT,
    allocation_probe,
    committed_verdicts,
    made_material,
    make,
    with_first_cell,
    with_guard,
    write,
)

from pitfalls.errors import ResultError
from pitfalls.report.material import gather
from pitfalls.report.variants import header
from pitfalls.stages.report import write_report


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
    material = made_material(tmp_path, committed_verdicts())
    assert all(text for axis in ("runtime", "generator", "model") for text in material.options[axis].values())


def test_seeds_of_a_cell_are_in_order(tmp_path):
    """Runs are found in the order of their folders, shown in the order of their seeds."""
    verdicts = with_first_cell(committed_verdicts(), seeds=[10, 2, 1])
    material = made_material(tmp_path, verdicts)
    assert [run.cell.seed for run in material.runs[verdicts.cells[0].cell]] == [1, 2, 10]


def test_a_damaged_result_is_left_out(tmp_path):
    """A file that cannot be read is named by the verdicts; it must not take the page with it."""
    runs, reports = make(tmp_path, committed_verdicts())
    victim = next((runs / "matrix").glob("**/result.json"))
    victim.write_text("{")
    material = gather(runs, reports, ROOT)
    assert len(material.matrix) == len(list(runs.glob("matrix/**/result.json"))) - 1


@pytest.mark.parametrize("text", ["{", "{}"])
def test_a_damaged_count_of_arrays_is_passed_over(tmp_path, text):
    """A sweep may hold several probes: the first that can be read and counted is taken."""
    runs, reports = make(tmp_path, committed_verdicts())
    probes = runs / "alignment" / "probe"
    (probes / "probe.json").write_text(text)
    assert gather(runs, reports, ROOT).allocation is None
    allocation_probe().with_changes(allocated=0, allocations={}).write(probes / "seed-0" / "probe.json")
    assert gather(runs, reports, ROOT).allocation is None
    allocation_probe().write(probes / "seed-1" / "probe.json")
    assert gather(runs, reports, ROOT).allocation == allocation_probe()


def test_missing_verdicts_are_an_error(tmp_path):
    """Without verdicts there is nothing to say."""
    with pytest.raises(ResultError, match=r"verdicts\.json cannot be read"):
        gather(tmp_path / "runs", tmp_path / "reports", ROOT)


def test_nothing_but_verdicts_is_needed(tmp_path):
    """A clone holds verdicts and no runs: the page can still be made of them."""
    write(tmp_path / "reports" / "verdicts.json", committed_verdicts())
    material = gather(tmp_path / "runs", tmp_path / "reports", ROOT)
    assert material.results == [] and material.verdicts.lottery == [] and material.allocation is None


def test_a_report_reads_each_file_once(tmp_path, monkeypatch):
    """verdicts.json, guard.json, the probe, and each result.json: page, tables and plots share what was read."""
    verdicts, guard = with_guard(committed_verdicts())
    runs, reports = make(tmp_path, verdicts, guard=guard)
    reads: Counter[Path] = Counter()
    read_bytes = Path.read_bytes

    def counted(path):
        reads[path] += 1
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    write_report(runs, reports, ROOT)
    made = {path for path in tmp_path.rglob("*.json") if path.is_file()}
    assert len(made) == 3 + 72 * 3
    assert {path: reads[path] for path in made} == dict.fromkeys(made, 1)

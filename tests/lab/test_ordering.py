"""Ordering: options and cells stand in the order of params.yaml, wherever they are shown."""

from made_results import made_result

from pitfalls.project import Cell, in_order, place_of
from pitfalls.report.tables import matrix_markdown
from pitfalls.verdicts.cells import Judged, gather
from pitfalls.verdicts.records import Verdicts
from pitfalls.verdicts.run import judge


def params(folder, text):
    """Write a params.yaml and return its path."""
    path = folder / "params.yaml"
    path.write_text(text)
    return path


def test_an_option_that_params_does_not_know_comes_last(tmp_path):
    """Options stand in the order of params.yaml, once each, and none is lost."""
    path = params(tmp_path, "matrix:\n  generator: b,a\n")
    assert in_order(["z", "a", "y", "b", "a"], "generator", path) == ["b", "a", "y", "z"]


def test_without_params_options_are_sorted_by_name(tmp_path):
    """A folder of results alone can be shown."""
    assert in_order(["b", "a"], "model", tmp_path / "none.yaml") == ["a", "b"]


def test_cells_are_sorted_axis_by_axis(tmp_path):
    """First by runtime, then by generator, then by model; a list and a comma-separated text are read alike."""
    place = place_of(params(tmp_path, "matrix:\n  runtime: [r2, r1]\n  generator: g2,g1\n  model: m\n"))
    shown = [("r2", "g2", "m"), ("r2", "g1", "a"), ("r1", "g2", "m"), ("r1", "new", "m"), ("r0", "g2", "m")]
    cells = [Cell(*names) for names in shown]
    assert sorted(reversed(cells), key=place) == cells


def test_tables_follow_params():
    """The project's own order: keras2 before custom_loop, though not in the alphabet."""
    names = [("keras2", "fresh_arrays"), ("keras3", "reused_inputs"), ("keras3", "flat_labels")]
    names.append(("custom_loop", "fresh_arrays"))
    results = [made_result(Cell(*pair, "mean_lambda")) for pair in reversed(names)]
    cells = gather(Judged(result, judge(result)) for result in results)
    table = matrix_markdown(Verdicts(cells=cells, listings=[], probes=[]))
    lines = table.splitlines()[2:]
    assert [tuple(word.strip() for word in line.split("|")[1:3]) for line in lines] == names

"""Ordering: options and cells stand in the order of params.yaml, wherever they are shown."""

from pitfalls.project import in_order, place_of
from pitfalls.report import tables
from pitfalls.verdicts.cells import gather
from pitfalls.verdicts.run import judge


def params(folder, text):
    """Write a params.yaml and return its path."""
    path = folder / "params.yaml"
    path.write_text(text)
    return path


def test_an_option_that_params_does_not_know_comes_last(tmp_path):
    """Options stand in the order of params.yaml, once each, and none is lost."""
    told = params(tmp_path, "matrix:\n  generator: b,a\n")
    assert in_order(["z", "a", "y", "b", "a"], "generator", told) == ["b", "a", "y", "z"]


def test_without_params_options_are_sorted_by_name(tmp_path):
    """A folder of results alone can be shown."""
    assert in_order(["b", "a"], "model", tmp_path / "none.yaml") == ["a", "b"]


def test_cells_are_sorted_axis_by_axis(tmp_path):
    """First by runtime, then by generator, then by model; a list and a comma-separated text are read alike."""
    place = place_of(params(tmp_path, "matrix:\n  runtime: [r2, r1]\n  generator: g2,g1\n  model: m\n"))
    shown = [("r2", "g2", "m"), ("r2", "g1", "a"), ("r1", "g2", "m"), ("r1", "new", "m"), ("r0", "g2", "m")]
    cells = [dict(zip(("runtime", "generator", "model"), names, strict=True)) for names in shown]
    assert sorted(reversed(cells), key=place) == cells


def test_tables_follow_params(result_of):
    """The project's own order: keras2 before custom_loop, though not in the alphabet."""
    names = [("keras2", "fresh_arrays"), ("keras3", "reused_inputs"), ("keras3", "flat_labels")]
    names.append(("custom_loop", "fresh_arrays"))
    results = [result_of(*pair, "mean_lambda") for pair in reversed(names)]
    cells = gather([(result, judge(result).as_json()) for result in results])
    lines = tables.matrix_markdown({"cells": cells}).splitlines()[2:]
    assert [tuple(word.strip() for word in line.split("|")[1:3]) for line in lines] == names

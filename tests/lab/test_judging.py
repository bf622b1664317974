"""Judging: verdicts are gathered from results on disk, and a damaged one counts as a failure."""

import json
import os

import pytest

from pitfalls.errors import ResultError
from pitfalls.report import tables
from pitfalls.results import write_json
from pitfalls.verdicts.cells import gather, gather_listings, judge_sweep, verify_all, write_changed
from pitfalls.verdicts.run import judge

CELL = ("keras2", "fresh_arrays", "mean_lambda")
OTHER = ("keras3", "flat_labels", "mean_lambda")


@pytest.fixture
def put(tmp_path, result_of):
    """Give a function that puts a result into runs/ and returns its path."""

    def write(cell, seed=0, sweep="matrix", **measured):
        result = result_of(*cell, **measured)
        result["cell"]["seed"] = seed
        path = tmp_path / "runs" / sweep / "/".join(cell) / f"seed-{seed}" / "result.json"
        write_json(path, result)
        return path

    return write


def test_a_sweep_is_judged_and_each_verdict_stands_beside_its_result(tmp_path, put):
    """One verdict.json a run."""
    paths = [put(CELL), put(CELL, 1), put(OTHER, final_loss=400.0)]
    judged, damaged, changed = judge_sweep(tmp_path / "runs", "matrix", {})
    assert [verdict["verdict"] for _, verdict in judged] == ["pass", "pass", "fail"]
    assert damaged == [] and len(changed) == 3
    write_changed(changed, {})
    for path, (_, verdict) in zip(paths, judged, strict=True):
        assert json.loads(path.with_name("verdict.json").read_text()) == verdict


def test_a_verdict_is_written_again_only_when_it_changed(tmp_path, put):
    """An unchanged file keeps its time, so that nothing below the pipeline looks new."""
    same, other = put(CELL), put(OTHER)
    write_changed(judge_sweep(tmp_path / "runs", "matrix", {})[2], {})
    for path in (same, other):
        os.utime(path.with_name("verdict.json"), (1, 1))
    put(OTHER, final_loss=400.0)
    _, _, changed = judge_sweep(tmp_path / "runs", "matrix", {})
    assert [result["cell"]["generator"] for _, result, _ in changed] == ["flat_labels"]
    write_changed(changed, {})
    assert same.with_name("verdict.json").stat().st_mtime == 1
    assert other.with_name("verdict.json").stat().st_mtime > 1


def damage(path, key=None, value=None):
    """Cut a result short, or replace one of its keys."""
    text = path.read_text()
    path.write_text(text[: len(text) // 2] if key is None else json.dumps(json.loads(text) | {key: value}))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (None, None, "is no complete JSON"),
        ("task", {}, "cannot be judged: KeyError('high')"),
        ("shapes", {"labels": 3}, "cannot be judged"),
        ("training", None, "has no usable training"),
        ("window_steps", 0, "cannot be judged: ZeroDivisionError"),
        ("seconds", None, "has no usable seconds"),
        ("listing", "first", "has no usable listing"),
        ("prediction", 3, "has no usable prediction"),
    ],
)
def test_a_damaged_result_is_listed_and_fails(tmp_path, put, key, value, said):
    """The others are judged all the same, and the place of the damaged one is named."""
    put(CELL)
    broken = put(("keras2", "reused_inputs", "mean_lambda"), listing=1)
    damage(broken, key, value)
    content, _ = verify_all(tmp_path / "runs", "matrix", "article", {})
    (line,) = content["damaged"]
    assert said in line and "keras2/reused_inputs/mean_lambda/seed-0/result.json" in line
    assert str(tmp_path) not in line
    assert len(content["cells"]) == 1
    assert not tables.all_hold(content) and line in tables.failures(content)


def judged_with(result_of, *measured):
    """Return judged results of one cell at seeds 0, 1 ..."""
    judged = []
    for seed, values in enumerate(measured):
        result = result_of("keras2", "reused_inputs", "mean_lambda", **values)
        result["cell"]["seed"] = seed
        judged.append((result, judge(result).as_json()))
    return judged


STALE = {"standard_error": 8.0, "broken_rows": 0.9933, "rewritten_batches": 1.0, "repeated_batches": 0.0}


def test_seeds_are_gathered_into_means_and_an_interval(result_of):
    """In the order of the seeds, whatever order they were found in."""
    judged = judged_with(result_of, *({"final_loss": loss} | STALE for loss in (830.0, 839.0, 824.0)))
    (cell,) = gather([judged[2], judged[0], judged[1]])
    assert cell["cell"] == {"runtime": "keras2", "generator": "reused_inputs", "model": "mean_lambda"}
    assert cell["measured"] == pytest.approx(831.0)
    assert cell["interval"] == [824.0, 839.0]
    assert cell["seeds"] == [0, 1, 2]
    assert cell["claim"]["loss"] == pytest.approx(833.25)
    assert (cell["effect"], cell["verdict"], cell["reasons"]) == ("bites", "pass", [])


def test_one_seed_that_fails_fails_its_cell_and_is_named(result_of):
    """A mean over seeds must not hide it: 833 is the mean of 433 and 1233."""
    judged = judged_with(result_of, *({"final_loss": loss} | STALE for loss in (433.25, 1233.25)))
    (cell,) = gather(judged)
    assert cell["measured"] == pytest.approx(833.25)
    assert cell["verdict"] == "fail"
    assert [reason.split(" is not")[0] for reason in cell["reasons"]] == [
        "seed 0: loss 433.25",
        "seed 1: loss 1233.25",
    ]


def test_seeds_of_several_effects_show_them_all(result_of):
    """A race may be masked at one seed and bite at another."""
    sound = STALE | {"broken_rows": 0.0, "final_loss": 0.0, "standard_error": 0.0}
    (cell,) = gather(judged_with(result_of, {"final_loss": 833.0} | STALE, sound))
    assert (cell["effect"], cell["verdict"]) == ("bites or masked", "fail")


def probed(listing, fits):
    """Return the content of a probe.json."""
    return {
        "schema": 1,
        "listing": listing,
        "generator": "reused_inputs",
        "seed": 0,
        "yields": [[[1.0, 3.0]], [[1.0, 3.0]]],
        "labels": [[[2.0]], [[2.0]]],
        "fits": fits,
        "shares_memory": True,
        "addresses_mod_64": [16, 16],
    }


@pytest.mark.parametrize(
    ("listing", "fits", "effect", "verdict"),
    [
        (3, [False, True], "bites", "pass"),
        (3, [True, True], "clean", "fail"),
        (4, [True, True], "clean", "pass"),
        (4, [False, True], "bites", "fail"),
        (5, [True, False], "bites", "fail"),
    ],
)
def test_a_probe_is_judged_by_which_labels_fit(listing, fits, effect, verdict):
    """The third listing's first label must not fit; both must in the fourth and fifth."""
    (entry,) = gather_listings([], [probed(listing, fits)])
    assert (entry["effect"], entry["verdict"]) == (effect, verdict)


def test_listings_stand_in_the_article_s_order_with_what_it_printed(result_of):
    """Trained and probed ones together; a run that is no listing is none."""
    trained = [
        (result, judge(result).as_json()) for result in (result_of(*CELL, listing=7), result_of(*CELL))
    ]
    entries = gather_listings(trained, [probed(4, [True, True]), probed(3, [False, True])])
    assert [(entry["listing"], entry["printed"]) for entry in entries] == [
        (3, "both inputs [[44, 2]], labels 10 and 23"),
        (4, "[[82, 4]] 43 and [[77, 34]] 55.5"),
        (7, "0.0000e+00 in every epoch"),
    ]


@pytest.mark.parametrize("text", ['{"schema": 1', "{}", "[]", '{"listing": 9, "fits": [true, true]}'])
def test_a_damaged_probe_is_listed_and_fails(tmp_path, put, text):
    """It must not stop the verdicts of all the others, which the report is to show."""
    put(CELL)
    write_json(tmp_path / "runs/article/probe/a/seed-0/probe.json", probed(3, [False, True]))
    damaged = tmp_path / "runs/article/probe/b/seed-0/probe.json"
    write_json(damaged, None)
    damaged.write_text(text)
    content, _ = verify_all(tmp_path / "runs", "matrix", "article", {})
    assert [probe["listing"] for probe in content["probes"]] == [3]
    (line,) = content["damaged"]
    assert "runs/article/probe/b/seed-0/probe.json" in line


def test_a_probe_that_belongs_to_no_listing_is_left_alone(tmp_path, put):
    """Whoever probed by hand wants no verdict."""
    put(CELL)
    write_json(tmp_path / "runs/article/probe/a/seed-0/probe.json", probed(None, [True, True]))
    content, _ = verify_all(tmp_path / "runs", "matrix", "article", {})
    assert content["probes"] == content["listings"] == content["damaged"] == []


def test_no_result_at_all_is_an_error_in_these_words(tmp_path):
    """The whole text: an empty folder proves nothing."""
    with pytest.raises(ResultError) as refused:
        verify_all(tmp_path, "matrix", "article", {})
    assert str(refused.value) == (
        f"there is no result below {tmp_path / 'matrix'} or {tmp_path / 'article'}.\n"
        "Train first: `make reproduce`, or name another sweep with --matrix."
    )


def params_yaml(folder, **matrix):
    """Write a params.yaml of one runtime, one model and the given rest."""
    told = {
        "runtime": ["keras2"],
        "generator": "fresh_arrays",
        "model": "mean_lambda",
        "seed": "0,1",
    } | matrix
    path = folder / "params.yaml"
    path.write_text(json.dumps({"matrix": told, "article": {"trained": "listing_1", "probed": "listing_3"}}))
    return path


def test_what_params_yaml_lists_and_nobody_trained_is_missing_and_fails(tmp_path, put):
    """Silence about a run that is not there would look like a claim that holds."""
    put(("keras2", "fresh_arrays", "mean_lambda"))
    content, _ = verify_all(tmp_path / "runs", "matrix", "article", {}, params_yaml(tmp_path))
    assert content["missing"] == ["keras2 / fresh_arrays / mean_lambda / 1", "listing 1", "listing 3"]
    assert not tables.all_hold(content)
    assert tables.summary(content) == "1 of 1 cells hold, 0 of 0 listings hold, 3 missing."
    assert "listing 3 was not trained, or not probed: dvc repro" in tables.failures(content)


def test_a_seed_that_an_earlier_matrix_left_is_not_averaged_in(tmp_path, put):
    """Folders of runs are kept when params.yaml changes."""
    put(("keras2", "fresh_arrays", "mean_lambda"))
    put(("keras2", "fresh_arrays", "mean_lambda"), 2)
    content, _ = verify_all(tmp_path / "runs", "matrix", "article", {}, params_yaml(tmp_path, seed=0))
    (cell,) = content["cells"]
    assert cell["seeds"] == [0]


def test_runs_of_different_settings_are_cells_of_their_own(result_of):
    """Two tasks in one sweep are two rows, not a mean of both."""
    results = [result_of("keras2", "fresh_arrays", "mean_lambda", high=high) for high in (10, 100)]
    entries = gather([(result, judge(result).as_json()) for result in results])
    assert len(entries) == 2

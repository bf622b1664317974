"""Judging: verdicts are gathered from results on disk, and a damaged one counts as a failure."""

import json
import os

import pytest
from made_results import made_result

from pitfalls.errors import ResultError
from pitfalls.files import write_json
from pitfalls.project import Cell
from pitfalls.report import words
from pitfalls.results import Probe
from pitfalls.stages.verify import write_changed
from pitfalls.verdicts.cells import Judged, gather, gather_listings
from pitfalls.verdicts.everything import judge_everything, judge_sweep
from pitfalls.verdicts.guard import GuardReport
from pitfalls.verdicts.run import judge

UNASKED = GuardReport()

CELL = ("keras2", "fresh_arrays", "mean_lambda")
OTHER = ("keras3", "flat_labels", "mean_lambda")


@pytest.fixture
def put(tmp_path):
    """Give a function that puts a result into runs/ and returns its path."""

    def write(cell, seed=0, sweep="matrix", swept="", **measured):
        result = made_result(Cell(*cell).at(seed), **measured)
        folder = tmp_path / "runs" / sweep / "/".join(cell) / f"seed-{seed}"
        path = folder.joinpath(*swept.split()) / "result.json"
        result.write(path)
        return path

    return write


def test_a_sweep_is_judged_and_each_verdict_stands_beside_its_result(tmp_path, put):
    """One verdict.json a run."""
    paths = [put(CELL), put(CELL, 1), put(OTHER, final_loss=400.0)]
    judged, damaged = judge_sweep(tmp_path / "runs", "matrix", UNASKED)
    assert [run.verdict.verdict for run in judged] == ["pass", "pass", "fail"]
    assert damaged == []
    write_changed(judged, UNASKED)
    for path, run in zip(paths, judged, strict=True):
        assert json.loads(path.with_name("verdict.json").read_text()) == run.verdict.as_json()


def test_a_verdict_is_written_again_only_when_it_changed(tmp_path, put):
    """An unchanged file keeps its time, so that nothing below the pipeline looks new."""
    same, other = put(CELL), put(OTHER)
    write_changed(judge_sweep(tmp_path / "runs", "matrix", UNASKED)[0], UNASKED)
    for path in (same, other):
        os.utime(path.with_name("verdict.json"), (1, 1))
    put(OTHER, final_loss=400.0)
    write_changed(judge_sweep(tmp_path / "runs", "matrix", UNASKED)[0], UNASKED)
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
        ("task", {}, "lacks task.high"),
        ("shapes", {"labels": 3}, "lacks shapes.inputs"),
        ("training", None, "has no usable training"),
        ("window_steps", 0, "has no usable window_steps"),
        ("schema", 2, "has another schema than this version reads"),
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
    verdicts = judge_everything(tmp_path / "runs", "matrix", "article", UNASKED).verdicts
    (line,) = verdicts.damaged
    assert said in line and "keras2/reused_inputs/mean_lambda/seed-0/result.json" in line
    assert str(tmp_path) not in line
    assert len(verdicts.cells) == 1
    assert not verdicts.all_hold and line in words.failures(verdicts)


def judged_with(*measured):
    """Return judged results of one cell at seeds 0, 1 ..."""
    cell = Cell("keras2", "reused_inputs", "mean_lambda")
    results = [made_result(cell.at(seed), **values) for seed, values in enumerate(measured)]
    return [Judged(result, judge(result)) for result in results]


STALE = {"standard_error": 10.0, "broken_rows": 0.9933, "rewritten_batches": 1.0, "repeated_batches": 0.0}


def test_seeds_are_gathered_into_means_and_an_interval():
    """In the order of the seeds, whatever order they were found in."""
    judged = judged_with(*({"final_loss": loss} | STALE for loss in (830.0, 839.0, 824.0)))
    (cell,) = gather([judged[2], judged[0], judged[1]])
    assert cell.cell == Cell("keras2", "reused_inputs", "mean_lambda")
    assert cell.measured == pytest.approx(831.0)
    assert cell.interval == (824.0, 839.0)
    assert cell.seeds == [0, 1, 2]
    assert cell.claim.loss == pytest.approx(833.25)
    assert (cell.effect, cell.verdict, cell.reasons) == ("bites", "pass", [])


def test_one_seed_that_fails_fails_its_cell_and_is_named():
    """A mean over seeds must not hide it: 833 is the mean of 433 and 1233."""
    judged = judged_with(*({"final_loss": loss} | STALE for loss in (433.25, 1233.25)))
    (cell,) = gather(judged)
    assert cell.measured == pytest.approx(833.25)
    assert cell.verdict == "fail"
    assert [reason.split(" is not")[0] for reason in cell.reasons] == [
        "seed 0: loss 433.25",
        "seed 1: loss 1233.25",
    ]


def test_seeds_of_several_effects_show_them_all():
    """A race may be masked at one seed and bite at another."""
    sound = STALE | {"broken_rows": 0.0, "final_loss": 0.0, "standard_error": 0.0}
    (cell,) = gather(judged_with({"final_loss": 833.0} | STALE, sound))
    assert (cell.effect, cell.verdict) == ("bites or masked", "fail")


def probed(listing, fits):
    """Return the probe of a listing."""
    yields, labels = [[[1.0, 3.0]], [[1.0, 3.0]]], [[[2.0]], [[2.0]]]
    return Probe(listing=listing, yields=yields, labels=labels, fits=fits, shares_memory=True)


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
    assert (entry.effect, entry.verdict) == (effect, verdict)


def test_listings_stand_in_the_article_s_order_with_what_it_printed(result_of):
    """Trained and probed ones together; a run that is no listing is none."""
    results = (result_of(*CELL, listing=7), result_of(*CELL))
    trained = [Judged(result, judge(result)) for result in results]
    entries = gather_listings(trained, [probed(4, [True, True]), probed(3, [False, True])])
    assert [(entry.listing, entry.printed) for entry in entries] == [
        (3, "both inputs [[44, 2]], labels 10 and 23"),
        (4, "[[82, 4]] 43 and [[77, 34]] 55.5"),
        (7, "0.0000e+00 in every epoch"),
    ]


@pytest.mark.parametrize("text", ['{"schema": 1', "{}", "[]", '{"listing": 9, "fits": [true, true]}'])
def test_a_damaged_probe_is_listed_and_fails(tmp_path, put, text):
    """It must not stop the verdicts of all the others, which the report is to show."""
    put(CELL)
    probed(3, [False, True]).write(tmp_path / "runs/article/probe/a/seed-0/probe.json")
    damaged = tmp_path / "runs/article/probe/b/seed-0/probe.json"
    write_json(damaged, None)
    damaged.write_text(text)
    verdicts = judge_everything(tmp_path / "runs", "matrix", "article", UNASKED).verdicts
    assert [probe.listing for probe in verdicts.probes] == [3]
    (line,) = verdicts.damaged
    assert "runs/article/probe/b/seed-0/probe.json" in line


def test_a_probe_that_belongs_to_no_listing_is_left_alone(tmp_path, put):
    """Whoever probed by hand wants no verdict."""
    put(CELL)
    probed(None, [True, True]).write(tmp_path / "runs/article/probe/a/seed-0/probe.json")
    verdicts = judge_everything(tmp_path / "runs", "matrix", "article", UNASKED).verdicts
    assert verdicts.probes == verdicts.listings == verdicts.damaged == []


def test_no_result_at_all_is_an_error_in_these_words(tmp_path):
    """The whole text: an empty folder proves nothing."""
    with pytest.raises(ResultError) as refused:
        judge_everything(tmp_path, "matrix", "article", UNASKED)
    assert str(refused.value) == (
        f"there is no result below {tmp_path / 'matrix'} or {tmp_path / 'article'}.\n"
        "Train first: `make reproduce`, or name another sweep with --matrix."
    )


def params_yaml(folder, offsets="", alignment=None, **matrix):
    """Write a params.yaml of one runtime, one model and the given rest."""
    told = {
        "runtime": ["keras2"],
        "generator": "fresh_arrays",
        "model": "mean_lambda",
        "seed": "0,1",
    } | matrix
    path = folder / "params.yaml"
    path.write_text(
        json.dumps(
            {
                "matrix": told,
                "alignment": {"offset_bytes": offsets, "hand_over": "", "waits": "", "load": "", "seed": ""}
                | (alignment or {}),
                "article": {"trained": "listing_1", "probed": "listing_3"},
            }
        )
    )
    return path


def test_what_params_yaml_lists_and_nobody_trained_is_missing_and_fails(tmp_path, put):
    """Silence about a run that is not there would look like a claim that holds."""
    put(("keras2", "fresh_arrays", "mean_lambda"))
    verdicts = judge_everything(
        tmp_path / "runs", "matrix", "article", UNASKED, params_yaml(tmp_path)
    ).verdicts
    assert verdicts.missing == ["keras2 / fresh_arrays / mean_lambda / 1", "listing 1", "listing 3"]
    assert not verdicts.all_hold
    assert words.summary(verdicts) == "1 of 1 cell holds, 0 of 0 listings hold, 3 missing."
    assert "listing 3 is missing: it was not trained or not probed. Run `dvc repro`." in words.failures(
        verdicts
    )


def test_a_seed_that_an_earlier_matrix_left_is_not_averaged_in(tmp_path, put):
    """Folders of runs are kept when params.yaml changes."""
    put(("keras2", "fresh_arrays", "mean_lambda"))
    put(("keras2", "fresh_arrays", "mean_lambda"), 2)
    verdicts = judge_everything(
        tmp_path / "runs", "matrix", "article", UNASKED, params_yaml(tmp_path, seed=0)
    ).verdicts
    (cell,) = verdicts.cells
    assert cell.seeds == [0]


def test_runs_of_different_settings_are_cells_of_their_own(result_of):
    """Two tasks in one sweep are two rows, not a mean of both."""
    results = [result_of("keras2", "fresh_arrays", "mean_lambda", high=high) for high in (10, 100)]
    entries = gather([Judged(result, judge(result)) for result in results])
    assert len(entries) == 2


def test_three_seeds_that_are_all_a_little_off_fail_though_each_of_them_would_pass():
    """Each is 2.4 of its own standard errors off; of three in one direction the mean is 4.2 of its own."""
    off = [{"final_loss": 833.25 + 24.0} | STALE for _ in range(3)]
    assert [run.verdict.verdict for run in judged_with(*off)] == ["pass"] * 3
    (cell,) = gather(judged_with(*off))
    assert cell.verdict == "fail"
    assert cell.reasons == ["mean of 3 seeds: loss 857.25 is not 833.25 within 23.1"]
    assert gather(judged_with(off[0]))[0].verdict == "pass"


@pytest.mark.parametrize("seeds", [2, 3, 30])
def test_the_tolerance_of_a_mean_falls_with_the_root_of_its_seeds(seeds):
    """Independent runs: four standard errors of 10 / sqrt(n)."""
    (cell,) = gather(judged_with(*({"final_loss": 833.25} | STALE for _ in range(seeds))))
    assert cell.claim.tolerance == pytest.approx(4 * 10.0 / seeds**0.5, rel=1e-3)


def test_what_claims_share_is_not_made_smaller_by_more_seeds():
    """A Dense's claim rests on one twin: its own error stays, however many runs there are."""
    cell = Cell("keras2", "reused_inputs", "dense")
    measured = {"final_loss": 417.2, "standard_error": 1.0} | {
        k: STALE[k] for k in ("broken_rows", "rewritten_batches")
    }
    results = [made_result(cell.at(seed), **measured) for seed in range(400)]
    (entry,) = gather([Judged(result, judge(result)) for result in results])
    assert entry.claim.tolerance > 4 * entry.claim.shared_error > 0
    assert entry.claim.tolerance < judge(results[0]).claim.tolerance / 2


def test_the_lottery_s_runs_are_judged_where_every_other_run_is(tmp_path, put):
    """By their claims: a loss of 5 where 0 is claimed is no repair, whatever a page would call it."""
    cell = ("keras3", "reused_inputs", "mean_lambda")
    for offset, loss, rows in [(0, 690.0, 0.8225), (16, 0.0, 0.0), (32, 5.0, 0.0)]:
        told = {
            "standard_error": 9.0 if rows else 0.0,
            "broken_rows": rows,
            "buffer_address_mod_64": {"inputs": offset, "labels": None},
        }
        put(cell, 0, "alignment", f"@generator.inputs_offset_bytes={offset}", final_loss=loss, **told)
    params = params_yaml(tmp_path, "0,16,32", runtime=[], generator="", model="", seed=0)
    put(CELL)
    verdicts = judge_everything(tmp_path / "runs", "matrix", "article", UNASKED, params).verdicts
    assert [(ticket.offset_bytes, ticket.effect, ticket.verdict) for ticket in verdicts.lottery] == [
        (0, "bites", "pass"),
        (16, "repaired", "pass"),
        (32, "bites", "fail"),
    ]
    assert not verdicts.all_hold


def test_a_lottery_run_that_params_yaml_no_longer_lists_is_left_over_and_a_new_one_missing(tmp_path, put):
    """Folders of runs are kept when params.yaml changes."""
    offsets = {"inputs": 32, "labels": None}
    put(
        ("keras3", "reused_inputs", "mean_lambda"),
        0,
        "alignment",
        "@generator.inputs_offset_bytes=32",
        final_loss=5.0,
        buffer_address_mod_64=offsets,
    )
    put(CELL)
    params = params_yaml(tmp_path, "16", seed=0)
    verdicts = judge_everything(tmp_path / "runs", "matrix", "article", UNASKED, params).verdicts
    assert verdicts.lottery == []
    assert "lottery: keras3 @generator.inputs_offset_bytes=16 seed 0" in verdicts.missing
    assert "lottery: jax_loop @generator.inputs_offset_bytes=16 seed 0" in verdicts.missing


def test_a_runtime_that_was_not_run_here_is_named_and_is_no_failure(tmp_path, put):
    """Its cells are not missing, and what an earlier environment left of them is not shown."""
    put(("keras2", "fresh_arrays", "mean_lambda"))
    put(("jax_loop", "fresh_arrays", "mean_lambda"))
    params = params_yaml(tmp_path, "", runtime=["keras2", "jax_loop"], seed=0)
    why = {"jax_loop": "jax is not installed. Run `make setup`."}
    runs = tmp_path / "runs"
    verdicts = judge_everything(runs, "matrix", "article", UNASKED, params, why).verdicts
    assert [str(entry.cell) for entry in verdicts.cells] == ["keras2 / fresh_arrays / mean_lambda"]
    assert verdicts.not_run == why
    assert [name for name in verdicts.missing if not name.startswith("listing")] == []
    assert words.summary(verdicts).endswith(", 1 runtime not run here.")
    assert words.not_run_texts(verdicts) == [
        "Not run here: jax_loop. jax is not installed. Run `make setup`."
    ]


def test_jax_s_lottery_is_judged_by_what_was_called_and_waited_for(tmp_path, put):
    """A wait for the batch leaves a shared buffer shared, so it must still be broken; a copy that was waited for is sound."""
    cell = ("jax_loop", "reused_inputs_aligned", "mean_lambda")
    bitten = {"final_loss": 690.0, "broken_rows": 0.8225, "standard_error": 9.0}
    ways = [
        ("device_put_no_alias", "batch"),
        ("array_copy", "nothing"),
        ("array_copy", "batch"),
        ("numpy_copy", "nothing"),
    ]
    sound = made_result(Cell(*cell)).mechanism
    for way, waits in ways:
        mechanism = sound.with_changes(hand_over=way, waits=waits).as_json()
        told = bitten if way != "numpy_copy" else {}
        swept = f"@feed.hand_over={way} @feed.waits={waits}"
        put(cell, 0, "alignment", swept, mechanism=mechanism, **told)
    put(CELL)
    listed = {"hand_over": "device_put_no_alias,array_copy,numpy_copy", "waits": "nothing,batch"}
    params = params_yaml(tmp_path, "", listed, runtime=[], generator="", model="", seed=0)
    verdicts = judge_everything(tmp_path / "runs", "matrix", "article", UNASKED, params).verdicts
    judged = {(t.hand_over, t.waits): (t.effect, t.verdict) for t in verdicts.lottery}
    assert judged == {
        ("device_put_no_alias", "batch"): ("bites", "pass"),
        ("array_copy", "nothing"): ("bites", "pass"),
        ("array_copy", "batch"): ("bites", "fail"),
        ("numpy_copy", "nothing"): ("repaired", "pass"),
    }
    assert [name for name in verdicts.missing if name.startswith("lottery")] == [
        "lottery: jax_loop @feed.hand_over=device_put_no_alias @feed.waits=nothing seed 0",
        "lottery: jax_loop @feed.hand_over=numpy_copy @feed.waits=batch seed 0",
    ]


@pytest.mark.parametrize(
    ("model", "rate", "verdict"),
    [
        ("dense", 0.05, "fail"),
        ("dense", 1.0, "unclaimed"),
        ("dense", 1e9, "unclaimed"),
        ("mean_lambda", 1e9, "pass"),
    ],
)
def test_beyond_the_rates_that_the_theory_covers_nothing_is_claimed(model, rate, verdict):
    """Where RMSprop alone adds more than V, every loss would hold; a fixed model has no rate to fear."""
    training = {"optimizer": "rmsprop", "epochs": 30, "steps_per_epoch": 100, "learning_rate": [[0, rate]]}
    result = made_result(Cell("keras2", "fresh_arrays", model), training=training)
    judged = judge(result)
    assert judged.verdict == verdict
    assert (judged.claim is None) == (verdict == "unclaimed")


def test_what_is_unclaimed_fails_nothing_and_is_counted_apart(tmp_path, put):
    """Beside a cell that holds; a seed that fails fails its cell all the same."""
    put(CELL)
    training = {"optimizer": "rmsprop", "epochs": 30, "steps_per_epoch": 100, "learning_rate": [[0, 1.0]]}
    put(("keras2", "fresh_arrays", "dense"), training=training)
    verdicts = judge_everything(tmp_path / "runs", "matrix", "article", UNASKED).verdicts
    assert sorted(cell.verdict for cell in verdicts.cells) == ["pass", "unclaimed"]
    assert verdicts.all_hold and words.failures(verdicts) == []
    assert words.summary(verdicts).startswith("1 of 1 cell holds, 1 unclaimed")

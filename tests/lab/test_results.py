"""Results on disk: whole or not at all, and refused in words when they are damaged."""

import json

import pytest

from pitfalls.errors import ConfigurationError, ResultError
from pitfalls.files import write_json, write_text
from pitfalls.results import Probe, Result, Verdict, find_results, is_finished
from pitfalls.stages.verify import is_new
from pitfalls.verdicts.cells import Judged
from pitfalls.verdicts.everything import judge_everything
from pitfalls.verdicts.guard import GuardReport
from pitfalls.verdicts.records import Verdicts
from pitfalls.verdicts.run import judge


@pytest.fixture
def result(result_of):
    """Give a complete result."""
    return result_of("keras2", "reused_inputs", "dense")


def test_what_is_written_is_read_again_and_nothing_lies_beside_it(tmp_path, result):
    """Folders are made on the way."""
    path = tmp_path / "a" / "b" / "result.json"
    result.write(path)
    assert Result.read(path) == result
    assert [one.name for one in path.parent.iterdir()] == ["result.json"]


def test_a_file_that_is_there_is_replaced_at_once(tmp_path):
    """By a rename: who has the old one open goes on to read the old one."""
    path = tmp_path / "verdict.json"
    write_text(path, "old")
    with path.open() as reader:
        write_text(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_a_write_that_fails_leaves_nothing_and_says_what_to_do(tmp_path):
    """Here a folder stands where the file should be; the whole text."""
    path = tmp_path / "result.json"
    path.mkdir()
    with pytest.raises(ConfigurationError) as refused:
        write_text(path, "{}")
    assert str(refused.value) == (
        f"{path} cannot be written: Is a directory.\n"
        "Nothing was left half-written. Make the folder writable, or run from a copy that is yours."
    )
    assert [one.name for one in tmp_path.iterdir()] == ["result.json"]


def test_a_disk_that_fills_up_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    """The temporary file goes with the error."""
    path = tmp_path / "result.json"
    write_text(path, "old")

    def half(self, text, **arguments):
        with self.open("w") as file:
            file.write(text[: len(text) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "write_text", half)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        write_text(path, "new and longer")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["result.json"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    """A file stands where a folder is needed."""
    (tmp_path / "runs").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_text(tmp_path / "runs" / "result.json", "{}")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_know_is_never_written(tmp_path, value):
    """And nothing half-written is left by it."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "result.json", {"loss": value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_result_that_was_cut_short_is_refused_in_these_words(tmp_path, result, share):
    """At any place: the whole text but for what the parser saw."""
    path = tmp_path / "result.json"
    text = json.dumps(result.as_json())
    path.write_text(text[: int(len(text) * share)])
    with pytest.raises(ResultError) as refused:
        Result.read(path)
    first, last = str(refused.value).split("\n")
    assert first == f"{path} is no complete JSON: it was cut short, or damaged."
    assert last == "Delete the file and train the cell again: `dvc repro`, or src/train.py."


def test_a_missing_file_is_refused_in_these_words(tmp_path):
    """The whole text."""
    with pytest.raises(ResultError) as refused:
        Verdicts.read(tmp_path / "verdicts.json")
    assert str(refused.value) == (
        f"{tmp_path / 'verdicts.json'} cannot be read: No such file or directory.\nRun python src/verify.py."
    )


def test_a_file_that_is_no_text_is_refused(tmp_path):
    """Bytes of something else."""
    (tmp_path / "result.json").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ResultError, match="is no complete JSON"):
        Result.read(tmp_path / "result.json")


@pytest.mark.parametrize("content", [[], "x", 3, None])
def test_json_that_is_no_object_is_refused(tmp_path, content):
    """The whole text."""
    path = tmp_path / "result.json"
    write_json(path, content)
    with pytest.raises(ResultError) as refused:
        Result.read(path)
    assert str(refused.value) == (
        f"{path} holds something else: it was damaged or written by another version.\n"
        "Delete the file and train the cell again: `dvc repro`, or src/train.py."
    )


OPTIONAL = {
    "schema", "framework", "load", "broken_batches", "rewritten_batches", "versions", "warnings", "origin", "mlflow_run_id",
}  # fmt: skip
"""Keys that results of earlier versions lack, or that a run may lack."""

KEYS = {field.alias or name for name, field in Result.model_fields.items()}


def refused(kind, path):
    """Return how a file is refused."""
    with pytest.raises(ResultError) as error:
        kind.read(path)
    return str(error.value)


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_key_that_is_missing_or_of_another_type_is_named(tmp_path, result, key):
    """One by one, missing and wrong; null is a value where nothing can be measured, but must be there."""
    path = tmp_path / "result.json"
    content = result.as_json()
    wrong = 5 if key in ("fingerprint", "framework", "mlflow_run_id") else "text"
    missing = {name: value for name, value in content.items() if name != key}
    for damaged in (content | {key: wrong}, *(() if key in OPTIONAL else (missing,))):
        write_json(path, damaged)
        first, last = refused(Result, path).split("\n")
        said = "lacks" if damaged is missing else "has another" if key == "schema" else "has no usable"
        end = " than this version reads" if key == "schema" else ""
        assert first == f"{path} {said} {key}{end}: it was damaged or written by another version."
        assert last == "Delete the file and train the cell again: `dvc repro`, or src/train.py."


def test_a_result_of_an_earlier_version_is_read(tmp_path, result):
    """Without what came since, and with the losses' earlier names."""
    content = {key: value for key, value in result.as_json().items() if key not in OPTIONAL - {"schema"}}
    content["mechanism"] |= {"loss": "unaligned"}
    write_json(tmp_path / "result.json", content)
    read = Result.read(tmp_path / "result.json")
    assert read.mechanism.loss == "broadcasting"
    assert (read.framework, read.origin) == ("tensorflow", None)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("key", ["final_loss", "standard_error", "broken_rows"])
def test_a_number_that_is_none_is_found_where_the_file_is_read(tmp_path, result, key, word):
    """Python's own reader takes it."""
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result.as_json() | {key: "HERE"}).replace('"HERE"', word))
    assert refused(Result, path).startswith(f"{path} has no number in {key}: it was damaged")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shapes": {"labels": [64, 1]}}, "lacks shapes.inputs"),
        ({"shapes": {"inputs": [64, "2"]}}, "has no usable shapes.inputs.1"),
        ({"answers": {"inputs": [[1.0]], "values": [1.0]}}, "lacks answers.inputs.0.1"),
        ({"cell": {"runtime": "keras2", "generator": "x", "model": "y"}}, "lacks cell.seed"),
        ({"loss": []}, "has no usable loss"),
        ({"loss": "0.5"}, "has no usable loss"),
        ({"final_loss": "0.5"}, "has no usable final_loss"),
        ({"final_loss": True}, "has no usable final_loss"),
        ({"training": {"optimizer": "rmsprop", "learning_rate": [], "epochs": 1, "steps_per_epoch": 1}},
         "has no usable training.learning_rate"),
    ],
)  # fmt: skip
def test_another_shape_is_named_by_its_place(tmp_path, result, change, said):
    """Also inside a part of the file."""
    path = tmp_path / "result.json"
    write_json(path, result.as_json() | change)
    assert refused(Result, path).startswith(f"{path} {said}: ")


@pytest.mark.parametrize(
    ("kind", "cure"),
    [
        (Probe, "Delete the file and probe again: `dvc repro probe`, or src/probe.py."),
        (Verdict, "Run python src/verify.py."),
        (Verdicts, "Run python src/verify.py."),
        (GuardReport, "Run python src/check.py."),
    ],
)
def test_each_file_is_refused_with_its_own_cure(tmp_path, kind, cure):
    """The last line says what makes it again."""
    (tmp_path / "file.json").write_text("[]")
    assert refused(kind, tmp_path / "file.json").split("\n")[-1] == cure


@pytest.mark.parametrize("kind", [Result, Verdict, Probe, Verdicts, GuardReport])
@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"loss":' + "[" * 100_000 + "]" * 100_000 + "}"]
)
def test_a_file_that_is_nested_too_deep_is_refused(tmp_path, kind, text):
    """Python's own reader ends in a RecursionError."""
    (tmp_path / "file.json").write_text(text)
    assert "file.json is no complete JSON" in refused(kind, tmp_path / "file.json")


EXTREMES = [0, -1, 1e308, -1e308, 3.4e38, 10**18, 10**400, 1e-320, "", [], {}, None]


def leaves(tree, place=()):
    """Yield the place of each part of plain types; of a list its first item stands for all."""
    yield place
    items = (
        tree.items()
        if isinstance(tree, dict)
        else list(enumerate(tree))[:1]
        if isinstance(tree, list)
        else ()
    )
    for key, value in items:
        yield from leaves(value, (*place, key))


def with_part(tree, place, part):
    """Return plain types with another value in one place."""
    if not place:
        return part
    key, *below = place
    changed = tree.copy()
    changed[key] = with_part(tree[key], below, part)
    return changed


def test_whatever_stands_in_a_result_it_is_damaged_or_can_be_judged(tmp_path, result_of):
    """Each part of the file in turn takes extreme values; judging it raises nothing and writes no NaN."""
    result = result_of("keras2", "reused_inputs", "mean_lambda", final_loss=833.0, broken_rows=0.99)
    content = result.as_json() | {"loss": [833.0], "answers": {"inputs": [[1.0, 2.0]], "values": [1.5]}}
    path = tmp_path / "runs" / "matrix" / "result.json"
    damaged = 0
    for place in leaves(content):
        for extreme in EXTREMES:
            write_json(path, with_part(content, place, extreme))
            everything = judge_everything(tmp_path / "runs", "matrix", "article", GuardReport())
            everything.verdicts.write(tmp_path / "verdicts.json")
            Verdicts.read(tmp_path / "verdicts.json")
            damaged += len(everything.verdicts.damaged)
    assert damaged > 500


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"final_loss": 1e308}, "final_loss"),
        ({"final_loss": -1.0}, "final_loss"),
        ({"standard_error": 1e160}, "standard_error"),
        ({"loss": [1e308]}, "loss.0"),
        ({"window_steps": 0}, "window_steps"),
        ({"window_steps": 10**400}, "window_steps"),
        ({"broken_rows": 1e308}, "broken_rows"),
        (
            {
                "training": {
                    "optimizer": "rmsprop",
                    "learning_rate": [[0, 0.1]],
                    "epochs": 10**5,
                    "steps_per_epoch": 10**5,
                }
            },
            "training",
        ),
        ({"task": {"high": 10**18, "batch_size": 64}}, "task.high"),
        ({"task": {"high": 100, "batch_size": 10**18}}, "task.batch_size"),
    ],
)
def test_a_number_that_nothing_measures_is_named(tmp_path, result, change, key):
    """Losses are float32, sizes fit into a memory; what is larger is no measurement."""
    path = tmp_path / "result.json"
    write_json(path, result.as_json() | change)
    assert refused(Result, path).startswith(f"{path} has no usable {key}: it was damaged")


@pytest.mark.parametrize(("loss", "is_read"), [(3.4028234e38, True), (3.5e38, False)])
def test_the_largest_loss_is_that_of_a_float32(tmp_path, result, loss, is_read):
    """A training may end anywhere below it."""
    path = tmp_path / "result.json"
    write_json(path, result.as_json() | {"final_loss": loss})
    assert Result.read(path).final_loss == loss if is_read else refused(Result, path)


def test_a_verdict_that_is_no_text_is_written_again(tmp_path, result):
    """It is compared as bytes."""
    (tmp_path / "verdict.json").write_bytes(b"\xff\xfe")
    assert is_new(Judged(result, judge(result), tmp_path), tmp_path / "verdict.json")


def test_a_run_has_finished_if_exactly_it_stands_there_complete(tmp_path, result):
    """Another fingerprint, or half a file, is as good as none."""
    assert not is_finished(tmp_path, result.fingerprint)
    result.write(tmp_path / "result.json")
    assert is_finished(tmp_path, result.fingerprint)
    assert not is_finished(tmp_path, "another")
    (tmp_path / "result.json").write_text("{")
    assert not is_finished(tmp_path, result.fingerprint)


def test_results_are_found_below_their_sweep_alone_in_order(tmp_path, result):
    """Swept keys add folders below the seed."""
    for place in ("b/seed-1", "b/seed-0/@task.high=10", "a/seed-0"):
        result.write(tmp_path / "matrix" / place / "result.json")
    result.write(tmp_path / "other" / "result.json")
    result.write(tmp_path / "matrix" / "a" / "probe.json")
    found = [
        path.relative_to(tmp_path / "matrix").parent.as_posix() for path in find_results(tmp_path, "matrix")
    ]
    assert found == ["a/seed-0", "b/seed-0/@task.high=10", "b/seed-1"]

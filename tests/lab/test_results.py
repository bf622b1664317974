"""Results on disk: whole or not at all, and refused in words when they are damaged."""

import json

import pytest

from pitfalls.errors import ConfigurationError, ResultError
from pitfalls.results import (
    REQUIRED_KEYS,
    find_results,
    is_finished,
    read_json,
    read_result,
    write_json,
    write_text,
)


@pytest.fixture
def result(result_of):
    """Give a complete result."""
    return result_of("keras2", "reused_inputs", "dense")


def test_what_is_written_is_read_again_and_nothing_lies_beside_it(tmp_path, result):
    """Folders are made on the way."""
    path = tmp_path / "a" / "b" / "result.json"
    write_json(path, result)
    assert read_result(path) == result
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
    text = json.dumps(result)
    path.write_text(text[: int(len(text) * share)])
    with pytest.raises(ResultError) as refused:
        read_result(path)
    first, last = str(refused.value).split("\n")
    assert first.startswith(f"{path} is no complete JSON (")
    assert last == (
        "Its run cannot be judged. Delete the file and train the cell again: `dvc repro`, or src/train.py."
    )


def test_a_missing_file_is_refused_in_these_words(tmp_path):
    """The whole text."""
    with pytest.raises(ResultError) as refused:
        read_json(tmp_path / "verdicts.json")
    assert str(refused.value) == f"{tmp_path / 'verdicts.json'} cannot be read: No such file or directory."


def test_a_file_that_is_no_text_is_refused(tmp_path):
    """Bytes of something else."""
    (tmp_path / "result.json").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ResultError, match="is no complete JSON"):
        read_result(tmp_path / "result.json")


@pytest.mark.parametrize("content", [[], "x", 3, None])
def test_json_that_is_no_object_is_refused(tmp_path, content):
    """The whole text."""
    path = tmp_path / "result.json"
    write_json(path, content)
    with pytest.raises(ResultError) as refused:
        read_result(path)
    assert str(refused.value) == (
        f"{path} holds no run's measurements.\nDelete the file and train the cell again."
    )


@pytest.mark.parametrize("key", REQUIRED_KEYS)
def test_a_key_that_is_missing_or_of_another_type_is_named(tmp_path, result, key):
    """One by one, missing and wrong; null is a value where nothing can be measured, but must be there."""
    path = tmp_path / "result.json"
    wrong = 5 if key == "fingerprint" else "text"
    for damaged in ({k: v for k, v in result.items() if k != key}, result | {key: wrong}):
        write_json(path, damaged)
        with pytest.raises(ResultError) as refused:
            read_result(path)
        assert str(refused.value) == (
            f"{path} has no usable {key}: it was damaged or written by another version.\n"
            "Delete the file and train the cell again."
        )


def test_a_run_has_finished_if_exactly_it_stands_there_complete(tmp_path, result):
    """Another fingerprint, or half a file, is as good as none."""
    assert not is_finished(tmp_path, result["fingerprint"])
    write_json(tmp_path / "result.json", result)
    assert is_finished(tmp_path, result["fingerprint"])
    assert not is_finished(tmp_path, "another")
    (tmp_path / "result.json").write_text("{")
    assert not is_finished(tmp_path, result["fingerprint"])


def test_results_are_found_below_their_sweep_alone_in_order(tmp_path, result):
    """Swept keys add folders below the seed."""
    for place in ("b/seed-1", "b/seed-0/@task.high=10", "a/seed-0"):
        write_json(tmp_path / "matrix" / place / "result.json", result)
    write_json(tmp_path / "other" / "result.json", result)
    write_json(tmp_path / "matrix" / "a" / "probe.json", result)
    found = [
        path.relative_to(tmp_path / "matrix").parent.as_posix() for path in find_results(tmp_path, "matrix")
    ]
    assert found == ["a/seed-0", "b/seed-0/@task.high=10", "b/seed-1"]

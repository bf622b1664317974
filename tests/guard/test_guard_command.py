"""The command: targets, options, exit status, JSON, SARIF, and code that hangs or crashes."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import commands
import pytest

GENERATORS = """
    import sys
    import numpy as np

    def reused(batch_size=4, scale=1.0):
        x = np.zeros((batch_size, 2))
        while True:
            x[:] = scale * np.random.rand(batch_size, 2)
            yield x, np.ones(batch_size)

    def fresh(batch_size=4):
        while True:
            yield np.random.rand(batch_size, 2), np.ones(batch_size)

    def needs(data, labels, size=4):
        while True:
            yield data[:size].copy(), labels[:size].copy()

    class Loader:
        def __init__(self, size):
            self.size = size
        def batches(self):
            return fresh(self.size)

    loader = Loader(3)
    running = fresh()
    array = np.zeros((5, 2))

    def unstable():
        for i in range(40):
            yield np.zeros((4, 2 + i // 20)), np.ones(4)
"""
TRAPS = """
    import os, signal, sys, time
    import numpy as np

    def sleeps():
        time.sleep(600)
        yield

    def spins():
        while True:
            pass
        yield

    def raises():
        raise RuntimeError("no data here")
        yield

    def raises_later():
        yield np.zeros(2), np.ones(2)
        raise KeyError("x")

    def ends():
        yield np.zeros(2), np.ones(2)

    def empty():
        return
        yield

    def exits():
        sys.exit(0)
        yield

    def dies():
        os.kill(os.getpid(), signal.SIGSEGV)
        yield

    def reads():
        input()
        yield

    def no_generator():
        return 5

    def arrays():
        return np.zeros((4, 2)), np.ones(4)

    def prints():
        print("noise on standard output")
        os.write(1, b"more noise")
        while True:
            yield np.random.rand(2), np.ones(2)

    def hangs_after_proof():
        x = np.zeros(3)
        for i in range(3):
            x[:] = i
            yield x
        time.sleep(600)
"""
INTRUDERS = """
    import contextlib, json, os
    import numpy as np

    FORGED = {
        "result": [{"target": "x", "status": "clean", "findings": [], "not_checked": []}, []],
        "done": True,
    }

    def reused():
        x = np.zeros((4, 2))
        while True:
            x[:] = np.random.rand(4, 2)
            yield x, np.ones(4)

    def to_each(do):
        for number in range(3, 21):
            with contextlib.suppress(OSError):
                do(number)

    def writes():
        to_each(lambda number: os.write(number, b"garbage\\n"))
        yield from reused()

    def writes_half_a_line():
        to_each(lambda number: os.write(number, b"garbage"))
        yield from reused()

    def writes_bytes():
        to_each(lambda number: os.write(number, bytes(range(256)) * 500))
        yield from reused()

    def forges():
        to_each(lambda number: os.write(number, json.dumps(FORGED).encode() + b"\\n"))
        yield from reused()

    def forges_when_it_imports_nothing():
        to_each(lambda number: os.write(number, b"[]\\n"))
        yield from reused()

    def closes():
        to_each(os.close)
        yield from reused()

    def takes_its_place():
        to_each(os.close)
        files = [open(f"mine-{i}", "w") for i in range(18)]
        yield from reused()

    def prints_a_forged_result():
        print(json.dumps(FORGED))
        yield from reused()

    def raises_for_a_terminal():
        raise RuntimeError("\\x1b[2J\\x1b]0;title\\x07 gone\\rover")
        yield
"""
SCRIPT = """
    import a_package_that_is_not_there
    import numpy as np, another_one_that_is_missing
    from somewhere_else import helper

    SIZE = 2 * 4
    NAMES = ["a", "b"]
    data = np.loadtxt("there is no such file")

    def generator(x, y, size=SIZE):
        batch = np.zeros((size, x.shape[1]))
        while True:
            for i in range(size):
                batch[i] = x[np.random.randint(len(x))]
            yield batch, np.ones(size)

    def from_the_script(size=SIZE):
        while True:
            yield data[:size].copy(), np.ones(size)

    def with_a_default(size=data.shape[0]):
        while True:
            yield np.random.rand(size, 2), np.ones(size)

    def needs_the_package():
        yield a_package_that_is_not_there.load(), 1

    model.fit(generator(data, data), steps_per_epoch=10)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in (("gen", GENERATORS), ("traps", TRAPS), ("intruders", INTRUDERS), ("script", SCRIPT)):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text).lstrip())
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "inner.py").write_text(textwrap.dedent(GENERATORS))
    (tmp_path / "broken.py").write_text("def f(:\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_runs_in_an_interpreter_of_its_own(folder):
    """As a shell would run it."""
    command = [
        sys.executable,
        "-c",
        "import sys; from pitfalls.guard.command.cli import main; sys.exit(main())",
    ]
    words = [*command, "check", "gen.py:reused"]
    done = subprocess.run(words, capture_output=True, text=True, env=commands.ENVIRONMENT, timeout=60)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("aliased-batch: inputs of batch 0")


def test_a_corrupting_generator_ends_in_status_1(folder, checked):
    """With every key that other programs rely on."""
    status, result = checked("gen.py:reused", "--set", "batch_size=8")
    assert status == 1
    assert (result["target"], result["status"], result["not_checked"]) == ("gen.py:reused", "findings", [])
    (finding,) = result["findings"]
    assert set(finding) == {"rule", "array", "batch", "message", "fix", "repaired"}
    assert (finding["rule"], finding["array"], finding["batch"]) == ("aliased-batch", "inputs", 0)
    assert "gen.py:5: x = np.zeros((batch_size, 2))" in finding["message"]
    assert "gen.py:7: x[:] = scale * np.random.rand(batch_size, 2)" in finding["message"]
    assert "16 of 16 values, while batch 1 was made" in finding["message"]


@pytest.mark.parametrize(
    "words",
    [
        ["gen.py:fresh"],
        ["gen.py:running"],
        ["gen.py:loader.batches"],
        ["pack.inner:fresh"],
        ["gen.py", "--call", "needs(np.random.rand(30, 2), np.ones(30), 8)"],
        ["gen.py", "--call", "[(np.ones(3), np.ones(3))] * 5"],
        ["gen.py", "--call", "Loader(5).batches()"],
        ["gen.py:unstable", "--ignore", "unstable-batch"],
        ["gen.py:fresh", "--depth", "3", "--batches", "5", "--strict"],
        ["script.py", "--definitions", "--call", "(data := np.random.rand(9, 2), from_the_script())[-1]"],
        ["script.py", "--definitions", "--call", "with_a_default(4)"],
    ],
)
def test_what_is_sound_ends_in_status_0(folder, checked, words):
    """Functions, generators, methods, packages, expressions."""
    status, result = checked(*words)
    assert (status, result["status"], result["findings"]) == (0, "clean", []), result


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["pack.inner:reused"], "aliased-batch"),
        (["gen.py:reused", "--set", "scale=1e-3"], "aliased-batch"),
        (["gen.py:reused", "--strict"], "aliased-batch"),
        (["gen.py:unstable"], "unstable-batch"),
        (["script.py", "--definitions", "--call", "generator(np.random.rand(30, 2), None)"], "aliased-batch"),
        (["traps.py:hangs_after_proof", "--seconds", "2"], "aliased-batch"),
    ],
)
def test_what_is_not_sound_ends_in_status_1(folder, checked, words, rule):
    """A proof counts even if the generator hangs afterwards."""
    status, result = checked(*words)
    assert (status, result["status"]) == (1, "findings"), result
    assert [finding["rule"] for finding in result["findings"]] == [rule]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["traps.py:sleeps", "--seconds", "1"], "Out of time after 1 seconds, while batch 0 was made.\nGive"),
        (["traps.py:spins", "--seconds", "1"], "Out of time after 1 seconds, while batch 0 was made.\nGive"),
        (["traps.py:raises"], "It raised RuntimeError while batch 0 was made at traps.py:14: raise"),
        (["traps.py:raises_later"], "It raised KeyError while batch 1 was made at traps.py:19: raise"),
        (["traps.py:empty"], "It ended before its first batch: there is nothing to check."),
        (["traps.py:exits"], "It raised SystemExit while batch 0 was made"),
        (["traps.py:dies"], "The process that ran it ended with signal 11, while batch 0 was made."),
        (["traps.py:reads"], "It raised EOFError while batch 0 was made"),
        (["traps.py:no_generator"], "This is an int, and no generator of batches."),
        (["traps.py:arrays"], "This is a tuple of arrays: one batch, or the data itself, and no generator"),
        (["gen.py:array"], "This is an ndarray of shape (5, 2): the data itself, not batches of it.\nName"),
        (["gen.py:frehs"], "gen.py has no frehs. Is it fresh?"),
        (["gen.py:qqqqqq"], "gen.py has no qqqqqq. It defines: reused, fresh, needs, unstable, Loader."),
        (["gen.py"], "gen.py alone names no generator: pitfalls check gen.py:NAME, or --call 'NAME(...)'."),
        (["gne.py:fresh"], "There is no file gne.py; there is gen.py."),
        (["no.such.module:fresh"], "There is no module no.such.module"),
        (["broken.py:f"], "broken.py has a syntax error at line 1"),
        (
            ["gen.py:needs"],
            "needs(data, labels, size=4) needs data, labels.\nGive plain values with --set data=",
        ),
        (["gen.py:fresh", "--set", "size=3"], "fresh has no argument size; it takes batch_size."),
        (["gen.py:fresh", "--set", "batch_size"], "--set batch_size is not of the form name=value."),
        (["gen.py:fresh", "--set", "batch_size=[1"], "--set batch_size=[1: the value is no YAML"),
        (["gen.py:running", "--set", "a=1"], "running is a generator already and takes no --set."),
        (["gen.py:fresh", "--call", "fresh()"], "--call takes the place of a name and of --set"),
        (["gen.py", "--call", "fresh("], "--call 'fresh(' is no Python expression"),
        (["gen.py", "--call", "frehs()"], "raised NameError: name 'frehs' is not defined\nIs it fresh?"),
        (
            ["script.py:generator"],
            "script.py imports a_package_that_is_not_there, which is not installed.\nIt starts",
        ),
        (["script.py", "--definitions", "--call", "needs_the_package()"], "No module named 'a_package_that"),
        (
            ["script.py", "--definitions", "--call", "from_the_script()"],
            "data: line 7 (data = np.loadtxt('there is",
        ),
        (["gen.py:fresh", "--batches", "0"], "Argument --batches: it starts at 1."),
        (["gen.py:fresh", "--seconds", "-1"], "Argument --seconds: it must be above 0."),
        (["gen.py:fresh", "--nonsense"], "Unrecognized arguments: --nonsense"),
        (["gen.py:fresh", "--batch", "gen.py:fresh"], "gen.py:fresh is no Keras model, and --batch"),
        (["gen.py:fresh", "--sarif", "no/folder/here.sarif"], "no/folder/here.sarif cannot be written"),
        ([], "The following arguments are required: target."),
    ],
)
def test_what_cannot_be_checked_ends_in_status_2_and_says_why(folder, run, words, said):
    """One JSON object, a reason of a few lines, no traceback."""
    done = run("check", *words, "--json")
    result = json.loads(done.stdout)
    assert (done.returncode, result["status"], result["findings"]) == (2, "error", [])
    assert said in result["error"]
    assert result["not_checked"] == [result["error"]]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *((name, "The code that was checked wrote to a file that is not its own") for name in (
            "writes", "writes_half_a_line", "writes_bytes", "forges", "forges_when_it_imports_nothing"
        )),
        *((name, "closed its files, or left, while") for name in ("closes", "takes_its_place")),
    ],
)  # fmt: skip
def test_code_that_touches_the_check_s_own_files_ends_in_status_2(folder, run, name, said):
    """No traceback, and no verdict: neither a forged one nor one in a file of that code."""
    done = run("check", f"intruders.py:{name}", "--json", "--seconds", "20")
    result = json.loads(done.stdout)
    assert (done.returncode, result["status"], result["findings"]) == (2, "error", [])
    assert said in result["error"]
    assert "Traceback" not in done.stderr
    assert {path.read_text() for path in folder.glob("mine-*")} <= {""}


def test_a_result_that_is_printed_is_none(folder, checked):
    """Only the check's own counts."""
    status, result = checked("intruders.py:prints_a_forged_result")
    assert (status, result["status"]) == (1, "findings")


def test_a_message_does_nothing_to_a_terminal(folder, run):
    """What an error says is shown, and its control characters by their escapes."""
    done = run("check", "intruders.py:raises_for_a_terminal")
    assert done.returncode == 2
    assert "\\x1b[2J\\x1b]0;title\\x07 gone\\rover" in done.stderr
    assert not set(done.stderr) & set("\x1b\x07\r")


def test_a_file_that_starts_to_train_is_told_so(folder, checked):
    """The line that trains, and the way around it."""
    _, result = checked("script.py:generator")
    assert result["error"] == (
        "script.py imports a_package_that_is_not_there, which is not installed.\n"
        "It starts to train when it is imported, at line 27.\n"
        "Take only its functions: pitfalls check script.py --definitions --call 'NAME(...)'."
    )


def test_one_batch_is_clean_and_says_so(folder, checked):
    """There is no second batch for which anything could be refilled."""
    status, result = checked("traps.py:ends")
    assert status == 0
    assert result["not_checked"] == ["It ended after one batch: nothing could be refilled for a second one."]


def test_what_the_target_prints_does_not_reach_the_json(folder, run):
    """Neither print nor a write to the descriptor."""
    done = run("check", "traps.py:prints", "--json")
    assert json.loads(done.stdout)["status"] == "clean"
    assert "noise on standard output" in done.stderr
    assert "more noise" in done.stderr


def test_a_buffer_filled_from_constant_data_is_mentioned(folder, checked):
    """Nothing changes, so nothing is found; but it is written, and other data would show it."""
    status, result = checked("script.py", "--definitions", "--call", "generator(np.zeros((30, 2)), None)")
    assert status == 0
    (note,) = result["not_checked"]
    assert note == (
        "inputs is written again for each batch, always with the same values, at script.py:13: "
        "batch[i] = x[np.random.randint(len(x))]. "
        "If that is due to the data it was called with, call it with data that varies."
    )


def test_strict_names_the_line_that_writes(folder, checked):
    """The write trap makes the user's own line raise."""
    _, result = checked("gen.py:reused", "--strict")
    assert result["findings"][0]["message"] == (
        "inputs of batch 0 was written to after it was yielded.\n"
        "  refused     ValueError: assignment destination is read-only, while batch 1 was made\n"
        "  written     gen.py:7: x[:] = scale * np.random.rand(batch_size, 2)\n"
        "  bites       a queue of references (prefetch threads), PyDataset(workers=2 or more)"
    )


def test_the_text_for_people_ends_with_one_line_of_result(folder, run):
    """Findings first, then how many; errors go to standard error."""
    done = run("check", "gen.py:reused")
    assert done.stdout.startswith("aliased-batch: inputs of batch 0 changed after it was yielded.\n")
    assert done.stdout.endswith("\ngen.py:reused: 1 finding\n")
    assert run("check", "gen.py:fresh").stdout == "gen.py:fresh: nothing found\n"
    failed = run("check", "gen.py:nothing_like_it")
    assert failed.stdout == ""
    assert failed.stderr.startswith("pitfalls: gen.py:nothing_like_it: gen.py has no nothing_like_it.")


def test_sarif_is_written_for_findings_and_for_errors(folder, run):
    """Version 2.1.0, with the file and the line, relative to where the command ran."""
    run("check", "gen.py:reused", "--sarif", "out.sarif")
    log = json.loads(Path("out.sarif").read_text())
    (run_,) = log["runs"]
    (result,) = run_["results"]
    assert (log["version"], result["ruleId"]) == ("2.1.0", "aliased-batch")
    assert run_["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "aliased-batch"
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("gen.py", 7)
    run("check", "gen.py:none", "--sarif", "out.sarif")
    (invocation,) = json.loads(Path("out.sarif").read_text())["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert list(folder.glob(".out.sarif*")) == []


def test_help_is_shown_with_examples_and_status(folder, run):
    """Status 0, on standard output."""
    done = run("check", "--help")
    assert done.returncode == 0
    assert "exit status: 0 nothing found, 1 findings, 2 it could not check" in done.stdout


def test_a_model_is_checked_with_the_first_batch_of_a_generator(folder, checked):
    """create_model and --batch, from one file that TensorFlow has to load."""
    pytest.importorskip("keras", reason="Keras is not installed")
    (folder / "models.py").write_text(
        textwrap.dedent(
            """
            import keras
            import numpy as np
            import tensorflow as tf

            class Plain(keras.losses.Loss):
                def call(self, y, p):
                    return tf.reduce_mean(tf.square(y - p))

            def train_iterator(batch_size=8):
                while True:
                    yield np.random.rand(batch_size, 2), np.random.rand(batch_size)

            def create_model():
                model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
                model.compile("sgd", loss=Plain())
                return model
            """
        )
    )
    status, result = checked("models.py:create_model", "--batch", "models.py:train_iterator")
    assert status == 1
    assert [(f["rule"], f["array"], f["batch"]) for f in result["findings"]] == [
        ("broadcast-loss", "labels", 0)
    ]
    assert "models.py:8: return tf.reduce_mean(tf.square(y - p))" in result["findings"][0]["message"]

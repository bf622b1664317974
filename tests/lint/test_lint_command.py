"""The command: what it prints in each form, how it ends, what it leaves out."""

import json
import subprocess
import sys

import pytest

from pitfalls.guard.command.cli import main
from pitfalls.guard.lint.answers.forms import FORMS

BUGGY = """import numpy as np


def train(batch_size=4):
    x = np.zeros((batch_size, 2))
    while True:
        x[:] = np.random.rand(batch_size, 2)
        yield x, np.ones(batch_size)
"""
SOUND = BUGGY.replace("yield x,", "yield x.copy(),")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(BUGGY)
    (tmp_path / "sound.py").write_text(SOUND)
    return tmp_path


def run(capsys, *words):
    status = main(["lint", *words])
    return status, capsys.readouterr()


def report_of(capsys, *words):
    status, printed = run(capsys, *words, "--format", "json")
    return status, json.loads(printed.out)


def test_a_finding_as_json_has_the_keys_that_others_rely_on(folder, capsys):
    """Three lines with their source, the function and the line of the write."""
    status, report = report_of(capsys, "train.py")
    (finding,) = report["findings"]
    assert status == 1
    assert report["files"] == 1
    assert report["passed_over"] == []
    assert (finding["rule"], finding["file"], finding["line"]) == ("refilled-batch", "train.py", 7)
    assert (finding["function"], finding["array"], finding["confidence"]) == ("train", "x", "high")
    assert [finding[key]["line"] for key in ("allocated", "written", "handed_over")] == [5, 7, 8]
    assert finding["allocated"]["source"] == "x = np.zeros((batch_size, 2))"
    assert finding["prove"] == "pitfalls check train.py --definitions --call 'train()'"
    assert "yield x.copy(), np.ones(batch_size)" in finding["fix"]


@pytest.mark.parametrize(
    ("words", "status"), [(["sound.py"], 0), (["train.py"], 1), (["."], 1), (["missing.py"], 2), ([], 2)]
)
def test_it_ends_as_check_does(folder, capsys, words, status):
    """0 nothing found, 1 findings, 2 it could not read."""
    assert run(capsys, *words)[0] == status


def test_a_missing_path_is_named(folder, capsys):
    """On standard error, in one line."""
    assert run(capsys, "missing.py")[1].err == "pitfalls lint: There is no file or folder missing.py.\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import numpy\ndef f():\n    x[0] = 1\n    print 'a'\n    yield x\n", "Python 2"),
        ("import numpy\ndef f(:\n    x[0] = 1\n    yield x\n", "not Python: invalid syntax, line 2"),
    ],
)
def test_a_file_that_is_no_python_is_passed_over_and_named(folder, capsys, source, reason):
    """Alone it ends with 2, beside others it does not."""
    (folder / "old.py").write_text(source)
    status, report = report_of(capsys, "old.py")
    assert (status, report["passed_over"]) == (2, [{"file": "old.py", "reason": reason}])
    assert report_of(capsys, "old.py", "sound.py")[0] == 0


def test_a_part_that_plays_none_may_be_no_python(folder, capsys):
    """What is left out before a file is parsed stops neither its findings nor those of other files."""
    imported, _, function = BUGGY.partition("\n\n\n")
    (folder / "half.py").write_text(f"{imported}\n\n\ndef bad(:\n    pass\n\n\n{function}")
    status, report = report_of(capsys, "half.py", "train.py")
    assert status == 1
    assert [finding["file"] for finding in report["findings"]] == ["half.py", "train.py"]


def test_a_notebook_is_read(folder, capsys):
    """Cells one below the other; commands of the notebook are passed over."""
    cells = [
        {"cell_type": "markdown", "source": ["# text"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import numpy as np\n"]},
        {"cell_type": "code", "source": BUGGY.splitlines(keepends=True)},
    ]
    (folder / "book.ipynb").write_text(json.dumps({"cells": cells}))
    _, report = report_of(capsys, "book.ipynb")
    assert [finding["written"]["source"] for finding in report["findings"]] == [
        "x[:] = np.random.rand(batch_size, 2)"
    ]


@pytest.mark.parametrize(
    ("ignored", "names"),
    [
        ("", ["a/train.py", "b/train.py", "sound.py", "train.py"]),
        ("b/\n", ["a/train.py", "sound.py", "train.py"]),
        ("/train.py\n", ["a/train.py", "b/train.py", "sound.py"]),
        ("train.py\n!a/train.py\n", ["a/train.py", "sound.py"]),
        ("**/tr?in.py\n", ["sound.py"]),
        ("# nothing\n*.txt\n", ["a/train.py", "b/train.py", "sound.py", "train.py"]),
    ],
)
def test_gitignore_is_respected(folder, ignored, names):
    """As Git reads it: the last line that matches decides."""
    from pitfalls.guard.lint.files import files_in

    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "train.py").write_text(BUGGY)
    (folder / ".gitignore").write_text(ignored)
    assert [file.removeprefix("./") for file in files_in(["."], [])] == names


@pytest.mark.parametrize("comment", ["# pitfalls: ignore", "# pitfalls: ignore[refilled-batch]"])
@pytest.mark.parametrize(
    "line", ["np.zeros((batch_size, 2))", "np.random.rand(batch_size, 2)", "np.ones(batch_size)"]
)
def test_a_comment_on_one_of_the_three_lines_silences_a_finding(folder, capsys, comment, line):
    """With the rule or without."""
    (folder / "train.py").write_text(BUGGY.replace(line, f"{line}  {comment}"))
    assert run(capsys, "train.py")[0] == 0


def test_a_comment_for_another_rule_silences_nothing(folder, capsys):
    """The other side."""
    (folder / "train.py").write_text(BUGGY.replace("2))", "2))  # pitfalls: ignore[late-copy]"))
    assert run(capsys, "train.py")[0] == 1


@pytest.mark.parametrize(
    ("table", "status"),
    [
        ('ignore = ["refilled-batch"]', 0),
        ('exclude = ["train.py"]', 0),
        ("pedantic = true", 1),
        ('ignore = ["no-such-rule"]', 2),
        ("colour = 1", 2),
        ("pedantic = 3", 2),
    ],
)
def test_pyproject_is_read(folder, capsys, table, status):
    """A key or a rule that does not exist is refused."""
    pytest.importorskip("tomllib", reason="Python 3.10 has no reader of TOML")
    (folder / "pyproject.toml").write_text(f"[tool.pitfalls]\n{table}\n")
    assert run(capsys, ".")[0] == status


def test_a_baseline_leaves_out_what_is_known_and_not_what_is_new(folder, capsys):
    """Also when lines have moved."""
    assert run(capsys, "train.py", "--write-baseline", "known.json")[0] == 0
    (folder / "train.py").write_text("# moved\n" + BUGGY)
    status, printed = run(capsys, "train.py", "--baseline", "known.json")
    assert (status, printed.out) == (0, "1 file: nothing found, 1 known from the baseline\n")
    (folder / "train.py").write_text(
        BUGGY + BUGGY.replace("train", "valid").replace("import numpy as np", "")
    )
    assert run(capsys, "train.py", "--baseline", "known.json")[0] == 1


def test_the_diff_applies_and_what_it_makes_is_clean(folder, capsys):
    """Only the line that hands out is edited."""
    status, printed = run(capsys, "train.py", "--fix")
    assert status == 1
    subprocess.run(
        ["patch", "-p0"], input=printed.out, text=True, check=True, capture_output=True, cwd=folder
    )
    assert (folder / "train.py").read_text() == SOUND
    assert run(capsys, "train.py")[0] == 0


def test_two_arrays_of_one_line_are_both_copied(folder, capsys):
    """One line, two edits."""
    body = "x[:] = 1 * np.random.rand(2)\n        y[:] = np.random.rand(2)\n        yield x, y"
    (folder / "pair.py").write_text(
        f"import numpy as np\n\n\ndef g():\n    x, y = np.zeros(2), np.zeros(2)\n    while True:\n        {body}\n"
    )
    assert "+        yield x.copy(), y.copy()" in run(capsys, "pair.py", "--fix")[1].out


def test_sarif_has_the_rule_the_place_and_the_related_lines(folder, capsys):
    """As code hosts read it."""
    log = json.loads(run(capsys, "train.py", "--format", "sarif")[1].out)
    (result,) = log["runs"][0]["results"]
    assert log["version"] == "2.1.0"
    assert result["ruleId"] == "refilled-batch"
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
    lines = [place["physicalLocation"]["region"]["startLine"] for place in result["relatedLocations"]]
    assert lines == [5, 8]


def test_annotations_of_github_are_one_line_each(folder, capsys):
    """Line breaks are escaped."""
    first, last = run(capsys, "train.py", "--format", "github")[1].out.splitlines()
    assert first.startswith("::error file=train.py,line=7,title=pitfalls refilled-batch::x is handed out")
    assert "%0A" in first
    assert last == "1 file: 1 finding"


@pytest.mark.parametrize(
    "rule", ["refilled-batch", "refilled-sample", "refilled-staging", "mutated-source", "late-copy"]
)
def test_each_rule_is_explained(capsys, rule):
    """With its name first."""
    status, printed = run(capsys, "--explain", rule)
    assert status == 0
    assert printed.out.startswith(f"{rule}: ")


def test_a_rule_that_does_not_exist_is_not_explained(capsys):
    """The rules are listed."""
    status, printed = run(capsys, "--explain", "nothing")
    assert status == 2
    assert "refilled-batch, refilled-sample" in printed.err


def test_prove_runs_what_it_can_and_says_what_came_of_it(folder, capsys):
    """Proven by the guard; a function that cannot be called is not run."""
    (folder / "files.py").write_text(BUGGY.replace("batch_size=4", "path, batch_size=4"))
    _, report = report_of(capsys, "train.py", "files.py", "--prove")
    assert [finding["proof"] for finding in report["findings"]] == ["proven", "not run"]


def test_linting_runs_nothing(folder, capsys):
    """A file that would end the process is read all the same."""
    (folder / "train.py").write_text("raise SystemExit(7)\n" + BUGGY)
    assert run(capsys, "train.py")[0] == 1


def test_many_files_give_the_same_answer_on_many_processes(folder, capsys):
    """In the order of the files."""
    for number in range(150):
        (folder / f"file_{number:03}.py").write_text(BUGGY if number % 10 == 0 else SOUND)
    one = report_of(capsys, ".", "--jobs", "1")
    assert len(one[1]["findings"]) == 16
    assert one == report_of(capsys, ".", "--jobs", "2")


def test_linting_loads_no_framework():
    """NumPy and the standard library are all it needs."""
    code = "import sys; import pitfalls.guard.lint.command; print([m for m in ('keras','torch','jax') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_every_form_has_a_name():
    """The four that --format takes."""
    assert list(FORMS) == ["text", "json", "sarif", "github"]

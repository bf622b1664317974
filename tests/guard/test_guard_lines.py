"""Lines: a finding names the line that allocates or writes, or none; never another one."""

import inspect
import itertools
import linecache
import re
import warnings

import corrupting_generators
import hard_lines
import pytest

from pitfalls import guard
from pitfalls.guard.stream.lines import is_user_file

FILE = hard_lines.__file__
WORDS = {"allocated": "allocates", "refilled": "writes", "written": "writes"}
ALL = [(name, word) for name in hard_lines.CASES for word in ("check", "strict", "watch")]


def findings_of(case, how):
    """Return what check or watch says of a generator."""
    if how == "watch":
        with pytest.raises(guard.AliasedBatchError) as caught:
            list(itertools.islice(guard.watch(case()), 60))
        return [caught.value.finding]
    return list(guard.check(case(), strict=how == "strict"))


def named(finding):
    """Return the lines that a finding names, each with the word for it."""
    lines = re.findall(r"^  (allocated|refilled|written) +(.+?):(\d+): ", finding.message, re.MULTILINE)
    return [(word, file, int(line)) for word, file, line in lines]


def is_right(name, word, line):
    """Tell whether a line is marked as the one, in the generator itself or for it."""
    case = hard_lines.CASES[name]
    places = [case, hard_lines.OWNERS[name]] if name in hard_lines.OWNERS else [case]
    text = linecache.getline(FILE, line).strip()
    if text.endswith(f"# {WORDS[word]} {name}"):
        return True
    ranges = [inspect.getsourcelines(place) for place in places]
    return text.endswith(f"# {WORDS[word]}") and any(at <= line < at + len(rows) for rows, at in ranges)


@pytest.mark.parametrize(("name", "how"), ALL)
def test_no_finding_names_a_wrong_line(name, how):
    """Names that stand for other things elsewhere, writes that run once, calls that only read, compiled code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        findings = findings_of(hard_lines.CASES[name], how)
    assert findings
    for finding in findings:
        assert {file for _, file, _ in named(finding)} <= {FILE}
        assert [entry for entry in named(finding) if not is_right(name, entry[0], entry[2])] == []
        if finding.line is not None:
            assert finding.line in [line for _, _, line in named(finding)]


def test_most_findings_name_the_line_that_writes():
    """A guard that named no line at all would pass the test above."""
    found = [finding for name in hard_lines.CASES for finding in findings_of(hard_lines.CASES[name], "check")]
    with_a_line = [f for f in found if any(word != "allocated" for word, _, _ in named(f))]
    assert len(with_a_line) >= 0.85 * len(found)


@pytest.mark.parametrize(
    "file", ["numpy/random/mtrand.pyx", "mine.pyx", "<frozen importlib>", "<unknown>", "a.so"]
)
def test_compiled_code_is_no_line_of_the_users(file, tmp_path, monkeypatch):
    """Its traceback names a file that the user cannot open, or did not write."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.pyx").write_text("x[:] = 1\n")
    assert not is_user_file(file)


def test_a_mark_in_another_function_is_noticed():
    """The comparison above can fail: a right line of one generator is a wrong one of another."""
    lines, start = inspect.getsourcelines(hard_lines.filled_before_the_loop)
    at = start + next(i for i, text in enumerate(lines) if "# writes" in text)
    assert is_right("filled_before_the_loop", "refilled", at)
    assert not is_right("rotating_buffers", "refilled", at)
    assert not is_right("filled_before_the_loop", "allocated", at)


def test_strict_judges_only_the_bytes_that_were_yielded():
    """A write beside them, to the same larger array, is no finding."""
    table = hard_lines.np.zeros((6, 4))

    def beside():
        for i in itertools.count():
            table[:, 3] = i
            yield table[:, :2], hard_lines.np.ones(6)

    report = guard.check(beside(), strict=True)
    assert list(report) == []


@pytest.mark.parametrize(("depth", "found"), [(5, 1), (4, 0)])
def test_strict_respects_depth(depth, found):
    """Five rotating buffers harm a consumer that holds five batches, not one that holds four."""
    source = corrupting_generators.five_rotating_buffers()
    assert len(guard.check(source, strict=True, depth=depth)) == found


def test_strict_still_sees_a_write_that_puts_the_same_values_back():
    """No value changes, and the memory is written to all the same."""

    def same():
        x = hard_lines.np.ones(3)
        while True:
            x[:] = 1
            yield x, hard_lines.np.ones(3)

    assert not guard.check(same())
    (finding,) = guard.check(same(), strict=True)
    assert finding.message.startswith("inputs of batch 0 was written to after it was yielded.")

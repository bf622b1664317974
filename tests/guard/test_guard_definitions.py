"""Definitions: a verdict in one command on code that is no module of today's Python."""

import ast
import json
import os
import subprocess
import sys
import textwrap

import commands
import pytest

from pitfalls.guard.command.definitions import Definitions
from pitfalls.guard.command.examples import call_of
from pitfalls.guard.command.sources import parsed, text_of

REFILLS = """
def generator(x, size):
    batch = np.zeros((size, x.shape[1]))
    while True:
        batch[:] = x[np.random.randint(0, len(x), size)]
        yield batch, np.ones(size)
"""
FILES = {
    "stray.py": "import numpy as np\nthis is no Python\n" + REFILLS + "\nmodel.fit(generator(data, 8)\n",
    "magics.py": "%matplotlib inline\nimport numpy as np\n!pip install it\nfiles = !ls\n" + REFILLS,
    "prints.py": """
        import numpy as np
        import cPickle as pickle

        print "loading", 3
        def generator(x, size):
            print "batches of %d" % size
            batch = np.zeros((size / 1, x.shape[1]))
            for epoch in xrange(10):
                try:
                    batch[:] = x[np.random.randint(0, len(x), 9 / 2 * size / 4)]
                except ValueError, error:
                    print >>sys.stderr, error
                yield batch, np.ones(size)
        """,
    "bases.py": """
        import numpy as np
        import absent
        from absent.utils import Sequence, decorate
        from absent import nothing as anything

        Base = object
        Parent = absent.utils.Sequence
        LEVELS = np.array([1.0, 2.0])
        WORDS = "a b".split()

        @decorate
        def helper(size):
            return np.full((size, 2), LEVELS[0])

        class Loader(Sequence, Base):
            size: int = 4
            def __init__(self, size=4):
                self.size, self.x = size, np.zeros((size, 2))
            @absent.jit(parallel=True)
            def batches(self, rows):
                for i in range(rows):
                    self.x[:] = helper(self.size) * i
                    yield self.x, np.ones(self.size)
            def draws(self):
                absent.show(self.x)
                yield self.x
            def needs(self, data):
                yield data

        class Hungry(Parent):
            def __init__(self, data):
                self.data = data
            def batches(self):
                yield self.data
        """,
    "lacking.py": """
        import numpy as np
        try:
            import absent
        except ImportError:
            from .missing import absent

        class Loader(unnamed.Sequence):
            change = absent.Normalize(0.5)
            def batches(self):
                x = np.zeros((4, 2))
                for i in range(30):
                    x[:] = i
                    yield x, np.ones(4)
            def draws(self):
                absent.show(self.change)
                yield np.ones(4)
        """,
    "nested.py": """
        import numpy as np

        def train(data, size):
            def generator():
                x = np.zeros((size, 2))
                for i in range(40):
                    x[:] = i
                    yield x, np.ones(size)
            model = build()
            model.fit(generator())

        train(None, 4)
        """,
    "plain.py": """
        import numpy as np

        class Loader:
            def __init__(self, size=4):
                self.size = size
            def batches(self):
                while True:
                    yield np.random.rand(self.size, 2), np.ones(self.size)
            @staticmethod
            def alone():
                while True:
                    yield np.random.rand(4, 2), np.ones(4)

        def generator(images, y, batch_size, shuffle=True, *, seed):
            while True:
                yield images[:batch_size].copy(), y[:batch_size].copy()
        """,
}


def notebook(*cells):
    """Return a notebook with some cells of code, one text between them, and one for a shell."""
    shell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": ["%%bash\n", "ls"]}
    text = {"cell_type": "markdown", "metadata": {}, "source": ["# x = np.zeros(3)\n"]}
    code = [
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "source": textwrap.dedent(cell).lstrip().splitlines(keepends=True),
        }
        for cell in cells
    ]
    return json.dumps(
        {"cells": [text, shell, *code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, source in FILES.items():
        (tmp_path / name).write_text(textwrap.dedent(source).lstrip("\n"))
    (tmp_path / "book.ipynb").write_text(notebook("%matplotlib inline\nimport numpy as np\n", REFILLS))
    monkeypatch.chdir(tmp_path)
    return tmp_path


CALL = ["--definitions", "--call", "generator(np.random.rand(300, 2), 8)"]


@pytest.mark.parametrize(
    "words",
    [
        ["stray.py", *CALL],
        ["magics.py", *CALL],
        ["prints.py", *CALL],
        ["book.ipynb", *CALL],
        ["book.ipynb", "--call", "generator(np.random.rand(300, 2), 8)"],
        ["bases.py", "--definitions", "--call", "Loader().batches(30)"],
        ["bases.py:Loader.batches", "--definitions", "--set", "rows=30", "--set", "size=5"],
        ["lacking.py", "--definitions", "--call", "Loader().batches()"],
        ["nested.py", "--definitions", "--call", "(size := 4, generator())[-1]"],
    ],
    ids=lambda words: words[0],
)
def test_a_refilled_buffer_is_found_in_one_command(folder, checked, words):
    """A stray line, magics, Python 2, missing modules and names, a notebook, a method, a nested function."""
    status, report = checked(*words)
    assert status == 1, report
    assert [finding["rule"] for finding in report["findings"]] == ["aliased-batch"]


def test_a_line_of_a_notebook_is_its_line_in_the_file(folder, run):
    """An editor that opens it there shows it."""
    run("check", "book.ipynb", *CALL, "--sarif", "out.sarif")
    (result,) = json.loads((folder / "out.sarif").read_text())["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    line = (folder / "book.ipynb").read_text().splitlines()[place["region"]["startLine"] - 1]
    assert place["artifactLocation"]["uri"] == "book.ipynb"
    assert "batch[:] = x[np.random.randint(0, len(x), size)]" in line


def test_a_notebook_on_one_line_is_read_as_well(folder):
    """Its lines are then counted from the first cell on."""
    book = json.loads((folder / "book.ipynb").read_text())
    (folder / "flat.ipynb").write_text(json.dumps(book))
    tree, unparsed = parsed(text_of("flat.ipynb"), "flat.ipynb")
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] == ["generator"]
    assert unparsed == []


def test_division_in_a_file_of_python_2_has_no_rest():
    """In one of Python 3 it has."""
    for source, value in (('print "x"\nA = 7 / 2\nB = 7.0 / 2\n', 3), ("A = 7 / 2\nB = 7.0 / 2\n", 3.5)):
        namespace = {}
        Definitions(source, "f.py").run(namespace, {"A", "B"})
        assert (namespace["A"], namespace["B"]) == (value, 3.5)


def test_lines_keep_their_numbers_where_others_do_not_parse():
    """So that a finding names the right one."""
    tree, unparsed = parsed("x = 1\nno Python here\n\ndef f():\n    return 2\n", "f.py")
    assert [(node.lineno) for node in tree.body] == [1, 4]
    assert [(part.line, part.names) for part in unparsed] == [(2, [])]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["bases.py", "--definitions", "--call", "Loader().draws()"],
            "absent.show was called, but line 2 (import absent) failed: ModuleNotFoundError: No module named 'absent'",
        ),
        (
            ["lacking.py", "--definitions", "--call", "Loader().draws()"],
            "absent.show was called, but line 2 (try:) failed: ImportError: attempted relative import with no known",
        ),
        (
            ["nested.py", "--definitions", "--call", "generator()"],
            "size: it is a name inside train, from which generator was taken. Give it in the call",
        ),
        (
            ["plain.py:Loader.batches", "--set", "rows=3"],
            "has no argument rows; it takes nothing",
        ),
        (["bases.py:Hungry.batches", "--definitions"], "Hungry(data) needs data."),
        (
            ["plain.py::generator"],
            "plain.py::generator: pytest writes it so; here it is one colon, plain.py:generator.",
        ),
        (
            ["stray.py:generator"],
            "Take only its functions: pitfalls check stray.py --definitions --call 'NAME(...)'.",
        ),
        (["plain.py:generator"], "The same command with --example proposes such a call."),
        (
            ["plain.py", "--example"],
            "--example needs a name: pitfalls check plain.py:NAME --example. It defines: Lo",
        ),
    ],
)
def test_what_still_cannot_be_checked_gets_a_sentence(folder, checked, words, said):
    """What is missing, and the command that goes further."""
    status, report = checked(*words)
    assert status == 2
    assert said in report["error"]


def test_a_nested_function_is_found_without_definitions_too(folder, checked):
    """The command that takes it out is named."""
    (folder / "quiet.py").write_text((folder / "nested.py").read_text().replace("train(None, 4)", ""))
    _, report = checked("quiet.py:generator")
    assert report["error"] == (
        "quiet.py has no generator: it is defined inside train, at line 4. "
        "To take it out of there: pitfalls check quiet.py:generator --definitions."
    )


@pytest.mark.parametrize("name", ["Loader.batches", "Loader.alone"])
def test_a_method_is_called_on_a_new_instance(folder, checked, name):
    """A static one needs none."""
    assert checked(f"plain.py:{name}")[0] == 0


def test_a_forgotten_check_is_named(folder, run):
    """The command that was meant is in the sentence."""
    done = run("plain.py:generator")
    assert done.returncode == 2
    assert done.stderr.endswith("The command is missing: pitfalls check plain.py:generator.\n")


def test_a_mistyped_command_is_no_target(folder, run):
    """And the help lists both commands."""
    assert run("chek", "plain.py").stderr.endswith("There is no command chek; there are check and lint.\n")
    assert "read code and run nothing" in run("--help").stdout


def test_the_example_is_a_command_that_gives_a_verdict(folder, run):
    """Made up from names and defaults."""
    line = run("check", "plain.py:generator", "--example").stdout
    assert line == (
        "pitfalls check plain.py --definitions --call "
        "'generator(np.random.rand(64, 32, 32, 3), np.random.randint(0, 10, 300), 8, seed=0)'\n"
    )
    done = run("check", "plain.py", "--definitions", "--call", line.split("--call '")[1].rstrip("'\n"))
    assert done.returncode == 0
    as_json = run("check", "plain.py:generator", "--example", "--json").stdout
    assert json.loads(as_json) == {"target": "plain.py:generator", "example": line.rstrip()}


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("f", "f('.', 8, True)"),
        ("C", "C(np.random.rand(300, 2))"),
        ("C.g", "C(np.random.rand(300, 2)).g(np.arange(300))"),
        ("C.h", None),
        ("missing", None),
    ],
)
def test_an_example_follows_the_names_of_the_arguments(name, call):
    """Paths, sizes, flags, indices; a default stands for itself."""
    source = """
    def f(path, batch_size, shuffle, rate=0.5): ...
    class C:
        def __init__(self, data, size=3): ...
        def g(self, ids): ...
    """
    assert call_of(ast.parse(textwrap.dedent(source)), name) == call


def test_a_closed_pipe_gets_a_sentence_and_no_traceback(folder):
    """As behind `| head -0`."""
    reader, writer = os.pipe()
    os.close(reader)
    code = "import sys; from pitfalls.guard.command.cli import main; sys.exit(main())"
    words = [sys.executable, "-c", code, "check", "plain.py:Loader.batches"]
    done = subprocess.run(
        words, stdout=writer, stderr=subprocess.PIPE, text=True, env=commands.ENVIRONMENT, timeout=60
    )
    os.close(writer)
    assert done.returncode == 0
    assert done.stderr == "pitfalls: whoever was to read this closed the pipe before its end.\n"

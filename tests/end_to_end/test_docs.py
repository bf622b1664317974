"""The pages of docs/: their commands run, print what they say, and their recipes work."""

import json
import re
from pathlib import Path

import pytest
import yaml
from documented import ROOT, Block, blocks, copy_of_the_project, differences, follow, shell

from pitfalls.guard.command.arguments import parse

DOCS = ROOT / "docs"
HOW_TO = DOCS / "how-to"


@pytest.fixture
def project(tmp_path):
    """Give a copy of the project in which nothing has run."""
    return copy_of_the_project(tmp_path)


def test_the_tutorial_s_outputs_are_the_real_ones(project):
    """Every command of the page, in its order. UPDATE=1 writes the page."""
    assert follow(DOCS / "tutorial.md", project) == []


@pytest.mark.parametrize(
    ("told", "printed", "relative", "agrees"),
    [
        ("loss 416.9   4.3 s", "loss  410.1 7.9 s", 0.05, True),
        ("loss 416.9", "loss 833.2", 0.05, False),
        ("loss 0.0029 ± 0.00079", "loss 0.0031 ± 0.002", 0.05, True),
        ("loss 700 bites", "loss 500 bites", 0.05, False),
        ("loss 700 bites", "loss 500 bites", 0.4, True),
        ("loss 416.9 bites", "loss 416.9 clean", 0.4, False),
        ("one\ntwo", "one", 0.4, False),
    ],
)
def test_an_output_that_is_not_the_real_one_is_noticed(told, printed, relative, agrees):
    """The comparison can fail: by a number that is off, by a word, by a line."""
    assert (differences(told, printed, relative) == []) == agrees


def file_blocks(page: str) -> dict[str, Block]:
    """Return the blocks of a page that stand for a file, by its path."""
    return {block.info: block for block in blocks(page) if "." in block.info}


def follow_the_generator_page(project) -> str:
    """Do what the page says, for a matrix of few and brief cells; return the generator's name."""
    page = file_blocks((HOW_TO / "add-a-generator.md").read_text())
    function = page["src/pitfalls/lab/generators.py"].text
    (conf,) = (path for path in page if path.startswith("conf/generator/"))
    (word,) = yaml.safe_load(page["params.yaml"].text)["matrix"]["generator"].split(",")[-1:]
    with (project / "src" / "pitfalls" / "lab" / "generators.py").open("a") as module:
        module.write(f"\n\n{function}")
    (project / conf).write_text(page[conf].text)
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["matrix"] = {
        "runtime": {"tensorflow": "keras2"},
        "generator": f"fresh_arrays,{word}",
        "model": "dense,mean_lambda",
        "seed": "0",
    }
    params |= {"budget": "brief", "launcher": "basic"}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    pipeline = yaml.safe_load((project / "dvc.yaml").read_text())
    pipeline["stages"]["matrix_tensorflow"]["outs"] = [
        {"runs/matrix/keras2": {"cache": False, "persist": True}}
    ]
    del pipeline["stages"]["matrix_jax"], pipeline["stages"]["matrix_torch"]
    (project / "dvc.yaml").write_text(yaml.safe_dump(pipeline))
    return word


def test_a_generator_is_a_function_a_file_and_a_word(project):
    """The page's own generator is trained, judged and shown, without another line of code."""
    name = follow_the_generator_page(project)
    for line in (
        "dvc init --no-scm --quiet",
        "dvc repro --single-item matrix_tensorflow",
        "python src/verify.py --report-only",  # the article's listings are not trained here
        "python src/report.py",
    ):
        ran = shell(line, project)
        assert ran.returncode == 0, ran.stdout
    verdicts = json.loads((project / "reports" / "verdicts.json").read_text())
    seen = {
        (entry["cell"]["generator"], entry["cell"]["model"]): (
            entry["effect"],
            entry["claim"]["formula"],
            entry["verdict"],
        )
        for entry in verdicts["cells"]
    }
    assert seen == {
        ("fresh_arrays", "dense"): ("clean", "0", "pass"),
        ("fresh_arrays", "mean_lambda"): ("clean", "0", "pass"),
        (name, "dense"): ("bites", "V", "pass"),
        (name, "mean_lambda"): ("bites", "S = 2 V", "pass"),
    }
    assert re.search(rf"\| keras2 +\| {name} +\| dense +\|", (project / "reports/matrix.md").read_text())
    assert f",{name},dense,10," in (project / "reports/plots/loss.csv").read_text()
    page = (project / "reports" / "index.html").read_text()
    assert f'id="keras2/{name}/dense"' in page
    header = (project / "conf" / "generator" / f"{name}.yaml").read_text().splitlines()[0]
    assert header.partition(": ")[2].replace("'", "&#39;") in page


def test_the_generator_page_s_probe_prints_what_it_says(project):
    """Two yields of the new generator, held together."""
    follow_the_generator_page(project)
    assert follow(HOW_TO / "add-a-generator.md", project) == []


def test_the_runtime_page_s_file_is_a_runtime(project):
    """It composes, and its claim follows: nothing is broadcast behind Keras's own loss."""
    (block,) = (
        one
        for one in blocks((HOW_TO / "add-a-runtime.md").read_text())
        if one.language == "yaml" and not one.info
    )
    (project / "conf" / "runtime" / "keras_loss_loop.yaml").write_text(block.text)
    line = (
        "python src/train.py runtime=keras_loss_loop generator=flat_labels training=brief model=mean_lambda"
    )
    ran = shell(f"{line} tracking=off", project)
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"loss 0 +repaired +pass .*keras_loss_loop / flat_labels / mean_lambda", ran.stdout)


def test_the_ci_page_s_files_parse_and_its_commands_exist():
    """Each snippet is YAML, and each `pitfalls check` in it is one that the command takes."""
    snippets = [one for one in blocks((HOW_TO / "guard-in-ci.md").read_text()) if one.language == "yaml"]
    assert len([yaml.safe_load(one.text) for one in snippets]) == 4
    lines = re.findall(r"pitfalls (check .*)", "\n".join(one.text for one in snippets))
    assert len(lines) == 4
    for line in lines:
        assert parse(line.split()).target.endswith(("train_batches", "create_model"))


def test_the_ci_page_s_tests_pass_for_sound_code_and_fail_for_a_reused_buffer(tmp_path):
    """The two fixtures are there without an import."""
    (block,) = (one for one in blocks((HOW_TO / "guard-in-ci.md").read_text()) if one.language == "python")
    (tmp_path / "test_mine.py").write_text(block.text)
    (tmp_path / "model.py").write_text("def create_model():\n    raise NotImplementedError\n")
    (tmp_path / "src").symlink_to(ROOT / "src")
    source = """\
import numpy as np


def train_batches(batch_size):
    x = np.zeros((batch_size, 2))
    while True:
        {fill} = np.random.rand(batch_size, 2)
        yield x, x.mean(axis=1)[:, None]
"""
    for fill, status in (("x", 0), ("x[:]", 1)):
        (tmp_path / "data.py").write_text(source.format(fill=fill))
        ran = shell("python -m pytest -q -p no:cacheprovider test_mine.py -k batches", tmp_path)
        assert ran.returncode == status, ran.stdout
    assert "inputs of batch 0 changed after it was yielded" in ran.stdout


def test_every_link_of_the_pages_leads_somewhere():
    """And every page is in the index."""
    pages = [*DOCS.glob("*.md"), *HOW_TO.glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), (page, target)
    index = (DOCS / "README.md").read_text()
    assert all(str(page.relative_to(DOCS)) in index for page in pages if page.name != "README.md")


def test_every_test_that_a_page_names_exists():
    """What was tried can be tried again."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (DOCS / "security.md").read_text())
    assert len(named) > 15
    assert [(file, name) for file, name in named if f"def {name}(" not in (ROOT / file).read_text()] == []


def test_a_framework_is_a_folder_and_a_file(project):
    """The page's own, trained by its own command; each claim follows from what the others are made of."""
    text = (HOW_TO / "add-a-runtime.md").read_text()
    for path, block in file_blocks(text).items():
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text(block.text)
    assert {Path(path).parent.as_posix() for path in file_blocks(text)} == {
        "src/pitfalls/lab/numpy",
        "conf/runtime",
    }
    ((command, _),) = blocks(text)[-1].commands
    ran = shell(command, project)
    assert ran.returncode == 0, ran.stdout
    assert "4 of 4 claims hold." in ran.stdout
    effects = re.findall(r"numpy_loop +(\w+) +(\w+) .* (\w+) +pass$", ran.stdout, re.M)
    assert effects == [
        ("reused_inputs", "mean_lambda", "bites"),
        ("reused_inputs", "flat_mean_lambda", "bites"),
        ("fresh_arrays", "mean_lambda", "clean"),
        ("fresh_arrays", "flat_mean_lambda", "bites"),
    ]

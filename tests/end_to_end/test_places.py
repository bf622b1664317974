"""Places: no configuration, wherever it comes from, makes a run leave runs/<sweep>."""

import pytest

from pitfalls.project import ROOT

OWN_FILES = {
    "generator/mine.yaml": "_target_: pitfalls.lab.generators.fresh_arrays",
    "experiment/output.yaml": "# @package _global_\nhydra:\n  output_subdir: {away}",
    "experiment/path.yaml": "# @package _global_\ndefaults:\n  - override /generator: ../generator/mine",
    "experiment/named.yaml": "# @package _global_\ndefaults:\n  - override /generator: mine",
}


@pytest.fixture
def own(tmp_path):
    """A folder of somebody's own configurations, and the place that they would write to."""
    for name, text in OWN_FILES.items():
        file = tmp_path / "conf" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(away=tmp_path / "away"))
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("train", "experiment=output"),
        ("train", "experiment=path"),
        ("train", "-m", "experiment=path", "seed=0,1"),
        ("train", "-m", "experiment=output", "seed=0,1"),
        ("train", "-m", "experiment=output,named"),
        ("probe", "experiment=output"),
        ("probe", "experiment=path"),
        ("probe", "-m", "experiment=output", "seed=0,1"),
    ],
)
def test_a_file_of_one_s_own_does_not_lead_a_run_away(run, sweep, own, words):
    """It ends in a message and writes nothing elsewhere; what a sweep names twice is checked for each run."""
    script, *others = words
    flags = [word for word in others if word.startswith("-")]
    rest = [word for word in others if not word.startswith("-")]
    told = run(script, f"--config-dir={own}/conf", *flags, f"sweep={sweep}", "tracking=off", *rest)
    assert told.returncode == 2, told.stdout + told.stderr
    assert "ConfigurationError: " in told.stderr
    assert "Traceback" not in told.stderr
    assert not (own / "away").exists()
    assert not (ROOT / "away").exists()
    assert not list((ROOT / "runs" / sweep).glob("**/*.json"))


def test_a_file_of_one_s_own_is_trained_from(run, sweep, own):
    """The other side: it is named without a path, and its run stands where it belongs."""
    told = run("train", f"--config-dir={own}/conf", f"sweep={sweep}", "experiment=named", "dry_run=true")
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout == f"train     runs/{sweep}/keras3/mine/dense/seed-0\n"

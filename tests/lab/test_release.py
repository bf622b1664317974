"""A release: what git holds of a run, if every claim holds."""

import pytest
from made_reports import committed_verdicts, with_a_failure, write

from pitfalls.errors import ReleaseError
from pitfalls.project import RELEASE
from pitfalls.report.older import mark_older
from pitfalls.report.readme import BEGIN, END
from pitfalls.stages.release import RELEASED, release
from pitfalls.verdicts.records import Verdicts


@pytest.fixture
def project(tmp_path):
    """Give a folder with the reports of a pipeline that came to its end, and a README."""
    for name in RELEASED:
        write(tmp_path / "reports" / name, name)
    write(tmp_path / "reports" / "verdicts.json", committed_verdicts())
    (tmp_path / "README.md").write_text(f"before\n{BEGIN}\nformer results\n{END}\nafter\n")
    return tmp_path


def test_a_release_is_copied_and_shown_in_the_readme(project):
    """Each file, and nothing else of reports/."""
    write(project / "reports" / "index.html", "of this machine")
    assert release(project).startswith("72 of 72 cells hold")
    released = sorted(
        path.relative_to(project / RELEASE).as_posix() for path in (project / RELEASE).rglob("*.*")
    )
    assert released == sorted(RELEASED)
    assert Verdicts.read(project / RELEASE / "verdicts.json") == committed_verdicts()
    readme = (project / "README.md").read_text()
    assert readme.startswith("before\n") and readme.endswith("after\n")
    assert "former results" not in readme and "72 of 72 cells hold" in readme


def test_nothing_is_released_while_a_claim_fails(project):
    """The README and the last release stay as they are."""
    write(project / "reports" / "verdicts.json", with_a_failure(committed_verdicts()))
    with pytest.raises(ReleaseError, match=r"^nothing is released: 71 of 72 cells hold"):
        release(project)
    assert not (project / RELEASE).exists()
    assert "former results" in (project / "README.md").read_text()


@pytest.mark.parametrize("name", RELEASED)
def test_a_pipeline_that_was_stopped_is_not_released(project, name):
    """Nothing is copied in part; the whole text."""
    (project / "reports" / name).unlink()
    with pytest.raises(ReleaseError) as refused:
        release(project)
    assert str(refused.value) == (
        f"nothing is released: reports/ has no {name}.\nRun the pipeline first: make reproduce."
    )
    assert not (project / RELEASE).exists()


def test_a_report_that_is_older_than_the_runs_is_not_released(project):
    """Somebody trains them again; the whole text."""
    page = project / "reports" / "index.html"
    page.write_text("<!-- older --><!-- /older -->")
    mark_older(page, "matrix")
    with pytest.raises(ReleaseError) as refused:
        release(project)
    assert str(refused.value) == (
        "nothing is released: reports/ is older than the runs, of which some were trained again.\n"
        "Run the pipeline to its end first: make reproduce."
    )
    assert not (project / RELEASE).exists()

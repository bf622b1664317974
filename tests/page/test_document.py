"""Rendering: one file that needs no other, whatever was measured."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_frameworks import every_framework
from made_reports import ROOT, committed_verdicts, made_page, make, with_a_failure
from made_results import made_result

from pitfalls import report
from pitfalls.guard.command.arguments import parse
from pitfalls.project import PAIR, PAIR_MEAN, Cell
from pitfalls.report.material import ARTICLE, gather
from pitfalls.report.page import offline, write_page
from pitfalls.report.page.document import as_json, breakable
from pitfalls.report.variants import header
from pitfalls.results import Task
from pitfalls.stages.report import write_report
from pitfalls.verdicts.effects import EFFECTS, SCHEMES
from pitfalls.verdicts.everything import closed_forms_of

REPORT = Path(report.__file__).parent

FIVE_MEGABYTES = 5 * 2**20


class Page(HTMLParser):
    """Collects identifiers, links to other files and figures without words."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.loads, self.wordless = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        loads = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
        if loads and not loads.startswith("data:"):
            self.loads.append(loads)
        if attributes.get("role") == "img" and not attributes.keys() & {"aria-label", "aria-labelledby"}:
            self.wordless.append(self.get_starttag_text())


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return made_page(tmp_path_factory.mktemp("page"), committed_verdicts()).read_text()


@pytest.fixture(scope="module")
def every_page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("every")
    return write_page(every_framework(folder), folder).read_text()


def without_scripts(text):
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_the_report_stage_writes_the_page(tmp_path):
    """The page beside the tables, the map and the data of the plots."""
    runs, reports = make(tmp_path, committed_verdicts())
    write_report(runs, reports, ROOT)
    assert {path.name for path in reports.iterdir()} == {
        "index.html",
        "map-dark.svg",
        "map-light.svg",
        "matrix.md",
        "plots",
        "verdicts.json",
    }


def test_the_page_loads_nothing(page):
    """No script, style, font or picture comes from anywhere else."""
    assert Page(page).loads == []
    assert "@import" not in page and "url(" not in without_scripts(page)


def test_the_page_is_small(page):
    """It can be sent by mail."""
    assert len(page.encode()) < FIVE_MEGABYTES


def test_identifiers_are_unique(page):
    """Every cell's link leads to its own story."""
    ids = Page(page).ids
    assert len(ids) == len(set(ids))


def test_links_within_the_page_lead_somewhere(page):
    """A cell without a story would be a dead end."""
    targets = re.findall(r'href="#([^"$]+)"', without_scripts(page))
    assert set(targets) <= set(Page(page).ids) and len(targets) > 72


def test_every_figure_has_words(page):
    """A figure that cannot be seen is described."""
    assert Page(page).wordless == []


def test_the_page_names_no_place_on_this_machine(page):
    """It can be shown to anybody."""
    assert str(ROOT) not in page and "/tmp/" not in page


def test_all_that_holds_shows_no_failure(page):
    """The section of failures is absent, not empty."""
    assert 'id="failed"' not in page and "72 of 72 cells hold" in page


def test_failures_come_first(tmp_path):
    """A reader meets what failed before the answer, with its reason, and the text cannot break the page."""
    text = made_page(tmp_path, with_a_failure(committed_verdicts())).read_text()
    assert (
        text.index("<h1>")
        < text.index('id="failed"')
        < text.index('class="lede"')
        < text.index('id="answer"')
    )
    assert "the loss is &lt;12.5&gt;" in text and "result.json is no complete JSON" in text
    assert "71 of 72 cells hold" in text


def test_a_page_without_runs_says_what_is_missing(tmp_path):
    """In a clone there are verdicts only: the page is made, and names the command for the rest."""
    reports = tmp_path / "reports"
    committed_verdicts().write(reports / "verdicts.json")
    text = write_page(gather(tmp_path / "runs", reports, ROOT), reports).read_text()
    assert "The lottery has not been measured here." in text and "dvc repro alignment_tensorflow" in text
    assert "The lottery in JAX has not been measured here." in text and "dvc repro alignment_jax" in text


def test_a_page_without_listings_says_so(tmp_path):
    """The article's listings can be run later than the matrix."""
    verdicts = committed_verdicts().with_changes(listings=[], probes=[])
    text = made_page(tmp_path, verdicts, lottery=False).read_text()
    assert text.count("Not run yet.") == 8
    assert "No queue was looked into here." in text and "dvc repro probe" in text


def test_a_page_without_closed_forms_says_so(tmp_path):
    """Verdicts of an earlier version have none: no letter is explained, and no number is made up."""
    text = made_page(tmp_path, committed_verdicts().with_changes(closed_forms=None)).read_text()
    assert "The closed forms were not written." in text and "dvc repro verify" in text
    assert "416.625" not in without_scripts(text) and "is the variance of the mean" not in text


def test_a_lottery_without_a_count_of_arrays_says_so(tmp_path):
    """A clone holds the lottery's verdicts, and not the probe beside it."""
    runs, reports = make(tmp_path, committed_verdicts())
    (runs / "alignment" / "probe" / "probe.json").unlink()
    text = write_page(gather(runs, reports, ROOT), reports).read_text()
    assert "690 at 0, 0 at 4" in text and "arrays begin was not counted here." in text
    assert "The labels of one batch were not looked at here." in text and "dvc repro allocation" in text


def test_a_new_generator_appears_by_itself(tmp_path):
    """One function, one file in conf/, one word in params.yaml: the page needs no change."""
    verdicts = committed_verdicts()
    new = Cell(verdicts.cells[0].cell.runtime, "shuffled_in_place", verdicts.cells[0].cell.model)
    verdicts.cells.append(verdicts.cells[0].with_changes(cell=new))
    text = made_page(tmp_path, verdicts).read_text()
    assert f'id="{new.path}"' in text and "not run" in text


def test_another_task_gets_its_own_closed_forms(tmp_path):
    """Nothing on the page takes 100 and 64 for granted."""
    task = Task(high=10, batch_size=16)
    verdicts = committed_verdicts().with_changes(
        listings=[], cells=committed_verdicts().cells[:1], closed_forms=closed_forms_of(task)
    )
    cell = verdicts.cells[0].cell
    runs, reports = make(tmp_path, verdicts.with_changes(cells=[]), lottery=False)
    verdicts.write(reports / "verdicts.json")
    made_result(cell, high=10, batch_size=16).write(runs / "matrix" / cell.at(0).path / "result.json")
    text = without_scripts(write_page(gather(runs, reports, ROOT), reports).read_text())
    assert "<strong>4.125</strong>" in text and "(16, 16)" in text
    assert "0..9, in batches of 16" in text


def test_the_machine_that_trained_is_named(tmp_path):
    """Each machine and commit that trained a run, whatever machine writes the page."""
    runs, reports = make(tmp_path, committed_verdicts())
    first, second, *_ = gather(runs, reports, ROOT).matrix
    other = {"processor": "Another", "cores": 64, "system": "Darwin", "commit": "4567def, with changes"}
    for result, origin in ((first, other), (second, None)):
        place = runs / "matrix" / result.cell.path / "result.json"
        type(result).model_validate(result.as_json() | {"origin": origin}).write(place)
    text = write_page(gather(runs, reports, ROOT), reports).read_text()
    assert "<td>A Processor, 2 cores, Linux; Another, 64 cores, Darwin</td>" in text
    assert "<td>0123abc; 4567def, with changes</td>" in text


def test_results_that_do_not_say_where_they_were_trained_leave_it_out(tmp_path):
    """Those of earlier versions; the machine that writes the page did not train them."""
    runs, reports = make(tmp_path, committed_verdicts())
    for result in gather(runs, reports, ROOT).matrix:
        result.with_changes(origin=None).write(runs / "matrix" / result.cell.path / "result.json")
    text = write_page(gather(runs, reports, ROOT), reports).read_text()
    assert "trained on" not in text and '<th scope="row">commit</th>' not in text


def test_the_colours_and_words_of_effects_come_from_one_place(page):
    """The style sheet names no colour of an effect or of text; the legend says what each effect means."""
    style = (REPORT / "page" / "templates" / "style.css").read_text()
    colours = {scheme.ink for scheme in SCHEMES.values()} | {scheme.quiet for scheme in SCHEMES.values()}
    for scheme in SCHEMES.values():
        for name, shade in scheme.shades.items():
            assert f"--{name}: {shade.fill}; --{name}-on: {shade.on}; --{name}-ink: {shade.ink};" in page
            colours |= {shade.fill, shade.ink}
    assert {colour for colour in colours - {"#ffffff"} if colour in re.sub(r"\.ramp.*", "", style)} == set()
    for effect in EFFECTS.values():
        assert f'<span class="meaning">{effect.brief}</span>' in page
        assert f'<dd class="meaning">{effect.meaning}</dd>' in page


def test_dark_colours_and_light_ones_hold_in_their_own_mode(page):
    """Paper is light, whatever mode the screen has: its colours come last."""
    modes = re.findall(r"(@media [^{]*\{ )?:root \{ --ink: (#\w+);", page)
    assert [ink for _, ink in modes] == [SCHEMES[name].ink for name in ("light", "dark", "light")]
    assert "dark" in modes[1][0] and "print" in modes[2][0]


def test_the_first_screen_holds_the_task_the_map_the_checks_and_the_fixes(page):
    """A reader sees them before the article; each command can be copied."""
    first = page[page.index("<body>") : page.index('id="article"')]
    assert "The task is to learn the mean of two integers from 0 to 99." in first
    assert first.count('<table class="map">') == 3
    for command in (
        "pip install .",
        "pitfalls check train.py:batches",
        "pitfalls check train.py:create_model --batch train.py:batches",
        "x = np.zeros((64, 2))",
        "yield np.copy(x), y",
        "y = y[:, None]",
    ):
        assert f'data-copy="{command}"' in first


def test_the_check_commands_are_ones_that_the_command_takes(page):
    """Nobody copies a line that is refused."""
    lines = re.findall(r'data-copy="pitfalls (check [^"]*)"', page)
    assert [parse(line.split()).target for line in lines] == ["train.py:batches", "train.py:create_model"]


DRAWINGS = {"jax": ("dispatch-shared", "dispatch-copied"), "torch": ("loaders-workers", "loaders-collate")}
"""The drawings that each framework brings."""


@pytest.mark.parametrize("framework", DRAWINGS)
def test_drawings_of_a_framework_are_shown_where_it_was_measured(page, every_page, framework):
    """Each with words for those who do not see it."""
    ids = set(Page(every_page).ids)
    assert set(DRAWINGS[framework]) <= ids and not set(DRAWINGS[framework]) & set(Page(page).ids)
    assert Page(every_page).wordless == []
    for name in DRAWINGS[framework]:
        words = re.search(rf'<title id="{name}">(.*?)</title>', every_page, re.S)[1]
        assert len(words.split()) > 20


def test_the_drawings_have_no_colour_of_their_own(every_page):
    """They take those of the style sheet, so that light, dark and print need no second drawing."""
    drawings = re.findall(r'<svg class="queue".*?</svg>', every_page, re.S)
    assert len(drawings) == 2 + 4
    assert not any(re.search(r"#[0-9a-f]{3,6}\b|fill=|stroke=|style=", drawing) for drawing in drawings)


def test_a_time_line_ends_with_what_its_step_read(every_page):
    """Of a shared buffer the inputs of the batch behind, of a copied one its own."""
    ends = re.findall(r'class="(bad|good)">inputs of batch (\d), labels of batch (\d)<', every_page)
    assert ends == [("bad", "2", "1"), ("good", "1", "1")]


def test_keras_on_jax_is_not_said_to_be_safe(page):
    """Where the page says what today's fit(generator) does, it names the other backend."""
    lottery = page[page.index("The alignment lottery") :]
    assert "Keras on JAX is bitten in the same way" in lottery[: lottery.index("</p>")]


def test_the_map_has_a_column_for_each_runtime_under_its_framework(every_page):
    """Three maps of ten rows and twelve columns; places of pairs that do not exist hold nothing."""
    body = without_scripts(every_page)
    headings = re.findall(r'<th scope="colgroup" colspan="(\d+)"[^>]*>(\w+)</th>', body)
    assert headings == [("4", "TensorFlow"), ("3", "JAX"), ("5", "PyTorch")] * 3
    assert len(re.findall(r"<td[^>]* data-effect=", body)) == 222
    assert len(re.findall(r'<td class="(?: begins)?"></td>', body)) == 3 * (120 - 74)
    assert "not run" not in body


def test_every_effect_has_its_colours(page):
    """Classes and variables are written from the list of effects, so that a new one brings its own."""
    for name in EFFECTS:
        assert f".{name} {{ background: var(--{name}); color: var(--{name}-on); }}" in page


def test_names_of_generators_are_explained_where_they_are(every_page):
    """In the first map, in the words of their own files."""
    first_map = every_page[every_page.index('<table class="map">') : every_page.index("</table>")]
    for path in (ROOT / "conf" / "generator").glob("*.yaml"):
        about = header(path.read_text()).replace("'", "&#39;")
        assert f"<small>{about}</small>" in first_map


def test_the_first_epoch_of_2019_is_explained(page):
    """Beside the losses that differ: initial weights."""
    note = page[page.index('id="first-epoch"') :]
    assert "Epoch 1 of listing 1 was\n      1044.08 in 2019" in note and "initial\n      weights" in note


def test_the_footer_names_the_article_the_licence_and_the_docs(page):
    """By name and link."""
    footer = page[page.index("<footer") :]
    assert ARTICLE.title in footer and ARTICLE.in_english in footer and f'href="{ARTICLE.url}"' in footer
    assert "LICENSE" in footer and "docs/README.md" in footer and "docs/guard.md" in footer


def test_the_article_s_pair_stands_in_no_template():
    """73, 57 and their mean have one home."""
    pages = (REPORT / "page" / "templates").glob("*.html")
    texts = {path.name: re.sub(r"<svg.*|<text.*|<rect.*|<path.*", "", path.read_text()) for path in pages}
    numbers = "|".join(f"{number:g}" for number in (*PAIR, PAIR_MEAN))
    assert {name for name, text in texts.items() if re.search(rf"\b({numbers})\b", text)} == set()


def test_json_cannot_close_its_script():
    """A text with a tag in it stays text."""
    assert "</script>" not in as_json({"reason": "</script><b>"})


def test_a_name_breaks_behind_its_underscores_only():
    """Names are text: markup in them is escaped."""
    assert breakable("a_<b>") == "a_<wbr>&lt;b&gt;"


def test_the_template_of_dvc_plots_is_what_the_module_writes():
    """The committed template is made from the committed library: `python -m pitfalls.report.page.offline`."""
    assert (ROOT / ".dvc" / "plots" / "offline.html").read_text() == offline.page()


def test_the_template_of_dvc_plots_loads_nothing():
    """DVC puts its figures in; the place for its own scripts, which need a network, is left out."""
    template = offline.page()
    assert Page(template).loads == []
    assert "{plot_divs}" in template and "{scripts}" not in template

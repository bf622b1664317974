"""The report in a real browser: it opens from disk, draws everything, and can be used by everybody."""

import io
from pathlib import Path

import pytest
from made_frameworks import ADDED
from made_reports import committed_verdicts, made_page, with_a_failure
from PIL import Image

from pitfalls.report.map import FILES

AXE = Path(__file__).parent / "vendor" / "axe.min.js"

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

STORY = "#keras3/reused_inputs_aligned/dense"


def violations(page) -> list[str]:
    """Return what axe-core finds, a line for each rule with its first place."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("levels => axe.run(document, {runOnly: levels})", LEVELS)
    assert found["passes"], "axe-core checked nothing"
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found["violations"]]


def inks(picture: bytes) -> int:
    """Return how many pixels of a picture are not of its commonest colour."""
    pixels = Image.open(io.BytesIO(picture)).convert("RGB")
    colours = pixels.getcolors(pixels.width * pixels.height)
    return pixels.width * pixels.height - max(count for count, _ in colours)


def test_the_report_opens_from_disk_in_silence(open_page, report):
    """With the network cut off, nothing is missing: no console message, no request but for the file."""
    watched = open_page(report)
    assert watched.console == []
    assert watched.requests == [report.as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_figure_is_drawn(open_page, report, scheme):
    """No figure is blank: each has pixels of several colours."""
    page = open_page(report, scheme=scheme).page
    figures = page.locator("[data-chart], .curves .chart, .queue")
    blank = []
    assert figures.count() == 9 + 2 * 24 + 2
    for at in range(figures.count()):
        figure = figures.nth(at)
        if figure.get_attribute("data-chart") != "column" and inks(figure.screenshot()) < 150:
            blank.append(figure.get_attribute("aria-label"))
    assert blank == []


def test_a_panel_names_its_losses_from_0_on(open_page, report):
    """Logarithmic, but with a place for 0; the epochs are the first and the last."""
    page = open_page(report).page
    labels = page.locator(".curves [data-cell=curve]").first.locator(".role-axis-label text")
    assert labels.all_text_contents() == ["1", "30", "0", "0.01", "1", "100"]


def test_a_blank_figure_would_be_seen(open_page, report):
    """The check above can fail: an emptied figure has no ink."""
    page = open_page(report).page
    figure = page.locator("[data-chart=lottery]")
    figure.evaluate("element => element.querySelector('svg').remove()")
    figure.evaluate("element => { element.style.height = '200px' }")
    assert inks(figure.screenshot()) < 150


def test_the_column_of_differences_is_all_zero(open_page, report):
    """Beside the square, 64 differences of one colour, that of 0: a perfect model's are nothing."""
    page = open_page(report).page
    colours = page.locator("[data-chart=column] canvas").evaluate(
        """c => {
            const pixels = c.getContext('2d').getImageData(2, 2, 2, c.height - 4).data;
            const colours = new Set(new Uint32Array(pixels.buffer));
            return [...colours].filter((one) => one >>> 24 === 255); // seams between rows are half transparent
        }"""
    )
    # Opaque, then blue, green and red: an empty canvas would be of one colour, too.
    assert colours == [0xFFF7FAFB]


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_does_not_scroll_sideways(open_page, report, width):
    """On a phone as on a desk, with every part opened."""
    page = open_page(report, width=width).page
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


SPILT = """() => [...document.querySelectorAll('.map td .effect, .map td b')].filter(word => {
    const range = document.createRange();
    range.selectNodeContents(word);
    const [text, cell] = [range.getBoundingClientRect(), word.closest('td').getBoundingClientRect()];
    return text.left < cell.left - 1 || text.right > cell.right + 1;
}).length"""
"""How many words of the maps do not fit into their cell."""


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_twelve_runtimes_have_room_for_their_words(open_page, every_report, width):
    """On a desk they stand beside each other, and on a phone they scroll sideways in their own place."""
    page = open_page(every_report, width=width).page
    assert page.evaluate(SPILT) == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.locator(".maps").evaluate("maps => maps.scrollWidth - maps.clientWidth")
    assert (beyond > 0) is (width < 1280)


def test_words_without_room_would_be_seen(open_page, every_report):
    """Three maps of twelve columns beside each other are too narrow."""
    page = open_page(every_report, width=1280).page
    page.evaluate("document.querySelector('.maps').classList.remove('many')")
    assert page.evaluate(SPILT) > 0


def test_names_of_generators_stay_in_sight_on_a_phone(open_page, every_report):
    """Also where the map was scrolled to its last column."""
    page = open_page(every_report, width=390).page
    page.locator(".maps").evaluate("maps => { maps.scrollLeft = maps.scrollWidth }")
    left = page.locator(".map tbody th").first.evaluate("name => name.getBoundingClientRect().left")
    assert left == page.locator(".maps").evaluate("maps => maps.getBoundingClientRect().left")


OVERLAPS = """pictures => [...document.querySelectorAll(pictures)].flatMap(picture => {
    const boxes = [...picture.querySelectorAll('text')].map(text => [text.textContent, text.getBBox()]);
    const edge = picture.viewBox.baseVal.width + 0.5;
    const meet = (a, b) => a.x < b.x + b.width - 0.5 && b.x < a.x + a.width - 0.5
        && a.y < b.y + b.height - 4 && b.y < a.y + a.height - 4;
    return boxes.flatMap(([word, box], at) => [
        ...(box.x + box.width > edge ? [`${word} leaves the picture`] : []),
        ...boxes.slice(at + 1).filter(([, other]) => meet(box, other)).map(([other]) => `${word} on ${other}`),
    ]);
})"""
"""Which words of a picture print over others; lines of a name may be set solid."""


@pytest.mark.parametrize("scheme", FILES)
def test_no_word_of_the_readme_s_map_prints_over_another(open_page, every_report, scheme):
    """Five runtimes of a framework, three models, and the longest names."""
    page = open_page(every_report.with_name(FILES[scheme]), wait="svg").page
    assert page.locator("text").count() > 222
    assert page.evaluate(OVERLAPS, "svg") == []


def test_words_that_print_over_others_would_be_seen(open_page, every_report):
    """The check above can fail: a larger font does not fit."""
    page = open_page(every_report.with_name(FILES["light"]), wait="svg").page
    page.evaluate("document.querySelectorAll('text').forEach(text => text.setAttribute('font-size', '20'))")
    assert page.evaluate(OVERLAPS, "svg") != []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_drawing_is_there(open_page, every_report, scheme):
    """Two queues, two time lines of JAX and two queues of PyTorch, each with ink, and wide enough to be read."""
    page = open_page(every_report, scheme=scheme).page
    drawings = page.locator("svg.queue")
    assert drawings.count() == 6
    assert all(inks(drawings.nth(at).screenshot()) > 1000 for at in range(6))
    assert page.evaluate(OVERLAPS, "svg.queue") == []


def test_a_framework_is_chosen_with_a_click_or_an_arrow(open_page, every_report):
    """Only its runtimes are shown."""
    page = open_page(every_report).page
    shown = page.locator(".answers:visible h3")
    assert "custom_loop" in shown.all_inner_texts()
    page.get_by_text("PyTorch", exact=True).first.click()
    assert sorted(shown.all_inner_texts()) == sorted(ADDED["torch"])
    page.keyboard.press("ArrowLeft")
    assert sorted(shown.all_inner_texts()) == sorted(ADDED["jax"])


def test_paper_shows_the_answers_of_every_framework(open_page, every_report):
    """It cannot be clicked: each framework's name stands above its runtimes."""
    page = open_page(every_report).page
    page.emulate_media(media="print")
    assert page.locator(".answers:visible").count() == 3
    tops = page.locator(".tabs label, .tabs .answers").evaluate_all(
        "parts => parts.map(part => part.getBoundingClientRect().top)"
    )
    assert tops == sorted(tops) and len(tops) == 6


def test_stories_lead_from_one_to_the_next(open_page, report):
    """By their links; one way back leaves them, and the focus is on the cell of the last one."""
    page = open_page(report).page
    page.locator('.map a[href="#keras2/reused_inputs/dense"]').click()
    story = page.locator("dialog[open]")
    for link, cell in (
        (".neighbours a:last-child", "keras3/reused_inputs/dense"),
        (".twins a >> nth=0", "keras3/fresh_arrays/dense"),
        (".neighbours a:first-child", "keras2/fresh_arrays/dense"),
    ):
        story.locator(link).click()
        page.wait_for_function("id => document.querySelector('dialog[open]')?.id === id", arg=cell)
        assert story.count() == 1 and page.evaluate("location.hash") == f"#{cell}"
        story.locator("[data-story=story_curve] svg").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_function("location.hash === ''")
    assert page.url == report.as_uri()
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#keras2/fresh_arrays/dense"


def test_a_story_does_not_scroll_sideways(open_page, report):
    """A cell's story fits a phone."""
    page = open_page(report, STORY, width=360).page
    story = page.locator("dialog[open]")
    story.locator("svg").nth(1).wait_for(state="attached")
    assert story.evaluate("one => one.scrollWidth <= one.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("hash", ["", STORY], ids=["page", "story"])
def test_axe_finds_nothing(open_page, report, scheme, width, hash):
    """No violation of level A or AA, in either scheme, on a phone and on a desk, with a story open."""
    assert violations(open_page(report, hash, width=width, scheme=scheme).page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("hash", ["", "#jax_loop/reused_inputs_aligned/dense"], ids=["page", "story"])
def test_axe_finds_nothing_in_three_frameworks(open_page, every_report, scheme, hash):
    """Choice of a framework, grouped columns, empty places, drawings, twins and a guard that knows less."""
    assert violations(open_page(every_report, hash, width=390, scheme=scheme).page) == []


def test_axe_finds_nothing_where_claims_failed(open_page, tmp_path):
    """Nor on a page that begins with what failed."""
    failed = made_page(tmp_path, with_a_failure(committed_verdicts()))
    page = open_page(failed).page
    assert page.locator("#failed").is_visible()
    assert violations(page) == []


def test_axe_would_find_something(open_page, report):
    """The check can fail: a figure without words is found."""
    page = open_page(report).page
    page.evaluate("document.querySelector('[data-chart]').removeAttribute('aria-label')")
    assert violations(page) != []


def test_the_curves_are_filtered(open_page, report):
    """Each filter narrows what is shown, and all cells can be had."""
    page = open_page(report).page
    panels = page.locator(".curves figure")
    assert panels.count() == 24
    page.select_option("select[name=runtime]", "keras3")
    assert panels.count() == 6
    page.select_option("select[name=tone]", "bites")
    assert panels.count() == 1 and "reused_inputs_aligned" in panels.first.inner_text()
    page.select_option("select[name=model]", "")
    assert panels.count() == 3
    page.select_option("select[name=runtime]", "")
    page.select_option("select[name=tone]", "")
    assert panels.count() == 72
    page.wait_for_function(
        "[...document.querySelectorAll('.curves .chart')].every((one) => one.querySelector('svg'))"
    )


def test_a_filter_that_leaves_nothing_says_so(open_page, report):
    """An empty place is explained."""
    page = open_page(report).page
    page.select_option("select[name=generator]", "fresh_arrays")
    page.select_option("select[name=tone]", "masked")
    assert page.get_by_text("No cell is left").is_visible()


def test_the_maps_are_filtered_by_effect(open_page, report):
    """An effect that is left out fades, and the others stay."""
    page = open_page(report).page
    page.uncheck("[data-filter=maps] input[value=bites]")
    assert page.locator(".map td.bites:not(.dimmed)").count() == 0
    assert page.locator(".map td.masked.dimmed").count() == 0


def test_a_cell_opens_its_story_from_the_keyboard(open_page, report):
    """Enter opens, Escape closes, and the focus returns to the cell."""
    page = open_page(report).page
    cell = page.locator('.map a[href="#custom_loop/flat_labels/dense"]')
    cell.focus()
    page.keyboard.press("Enter")
    story = page.locator("dialog[open]")
    story.wait_for()
    assert (
        "python src/train.py runtime=custom_loop generator=flat_labels model=dense seed=0"
        in story.inner_text()
    )
    story.locator("[data-story=story_curve] svg").wait_for()
    story.locator("[data-story=story_answers] svg").wait_for()
    page.keyboard.press("Escape")
    story.wait_for(state="detached")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#custom_loop/flat_labels/dense"


def test_back_closes_a_story_and_stays_on_the_page(open_page, report):
    """A phone's way out; and closing leaves no step behind that Back would have to undo."""
    page = open_page(report).page
    cell = page.locator('.map a[href="#custom_loop/flat_labels/dense"]')
    for leave in (page.go_back, lambda: page.keyboard.press("Escape")):
        cell.click()
        page.locator("dialog[open]").wait_for()
        leave()
        page.locator("dialog[open]").wait_for(state="detached")
        page.wait_for_function("location.hash === ''")
    assert page.url == report.as_uri()


def test_a_story_opened_by_its_address_can_be_closed(open_page, report):
    """Nothing of it stays on the page."""
    page = open_page(report, STORY).page
    page.keyboard.press("Escape")
    page.wait_for_function("location.hash === ''")
    assert not page.locator(f'dialog[id="{STORY[1:]}"]').is_visible()


def test_everything_can_be_reached_with_tab(open_page, report):
    """The first stop leads past the contents; cells, filters and commands are among the stops."""
    page = open_page(report).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    stops = set()
    parts = ".map, form, fieldset, .command, .curves, details"
    for _ in range(150):
        page.keyboard.press("Tab")
        stops.add(page.evaluate("parts => document.activeElement.closest(parts)?.className", parts))
    assert {"map", "filter legend", "command"} <= stops


def test_a_command_is_copied(open_page, report):
    """The button puts the line into the clipboard."""
    page = open_page(report).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-copy='make reproduce']").click()
    page.wait_for_function("document.getElementById('said').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == "make reproduce"


def test_the_slider_looks_closer_at_listing_1(open_page, report):
    """From epoch 60 on, the axis no longer begins at 1."""
    page = open_page(report).page
    axis = page.locator("[data-chart=listing_1] .role-axis-label").first
    before = axis.text_content()
    page.locator("[data-signal=listing_1]").fill("60")
    page.wait_for_function(
        "before => document.querySelector('[data-chart=listing_1] .role-axis-label').textContent !== before",
        arg=before,
    )


def test_hovering_a_point_tells_its_values(open_page, report):
    """A tooltip names the offset and the loss."""
    page = open_page(report).page
    page.locator("[data-chart=lottery]").scroll_into_view_if_needed()
    page.locator("[data-chart=lottery] .mark-symbol path").first.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert "690" in page.locator("#vg-tooltip-element").inner_text()


def test_print_opens_what_is_closed(open_page, report):
    """Paper cannot be clicked: the table of all cells is printed."""
    page = open_page(report).page
    closed = page.locator("details:not([open])")
    assert closed.count() > 1
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert closed.count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_without_scripts_the_answer_and_the_stories_are_there(browser, every_report):
    """Maps, stories and the choice of a framework are HTML; only the charts need scripts."""
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(every_report.as_uri() + STORY)
    assert page.locator(".map td a").count() == 222
    assert page.locator("dialog:target").is_visible()
    page.locator("dialog:target .twins a").first.click()
    assert "reused_inputs" in page.locator("dialog:target h2").inner_text()
    page.goto(every_report.as_uri())
    page.get_by_text("JAX", exact=True).first.click()
    assert sorted(page.locator(".answers:visible h3").all_inner_texts()) == sorted(ADDED["jax"])
    context.close()

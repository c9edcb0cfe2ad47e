"""A report in a real browser, where there is one: what moves, and what fits on each screen."""

import browser
import numpy as np
import pytest
from conftest import write_photos
from written_runs import history, predicted, write_run

from dlcv.runs.load import load
from dlcv_plugins.report.write import write_report

pytestmark = browser.required
COLUMN = """
[...[...document.querySelectorAll("table.sortable")].find((t) => t.tFoot).rows].slice(1)
  .map((row) => row.cells[%d].textContent)
"""
CLICK = """
(() => {
  const table = [...document.querySelectorAll("table.sortable")].find((t) => t.tFoot);
  const head = table.tHead.rows[0].cells[%d];
  head.querySelector("button").click();
  return head.getAttribute("aria-sort");
})()
"""
CUT = """
[...document.querySelectorAll("main *")].filter((e) => {
  const box = e.getBoundingClientRect();
  return box.width && (box.right > innerWidth + 1 || box.left < -1) && !e.closest(".scroll, nav");
}).map((e) => e.outerHTML.slice(0, 100))
"""
HIDDEN = """
[...document.querySelectorAll(".scroll")].filter((box) => box.scrollWidth > box.clientWidth)
  .filter((box) => getComputedStyle(box.querySelector("td, th")).position !== "sticky")
  .map((box) => box.outerHTML.slice(0, 100))
"""
"""Tables that are wider than their box, and whose first column does not stay."""


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser.opened(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def write_page(folder, names, images):
    """Writes a report of `images` photos, a quarter of which are mistakes."""
    root = write_photos(folder / "data" / "test", names, -(-images // len(names)))
    paths = [str(root / name / f"{n:03d}.png") for n in range(images) for name in names][:images]
    right = [n % 4 != 2 and n % 5 > 0 for n in range(images)]
    rows = history(np.linspace(0.3, 0.8, 30), **{
        name: np.linspace(0.5, 0.9, 30) for name in ("accuracy", "loss")
    }) if images < 50 else history()  # fmt: skip
    run = write_run(
        folder / "run",
        f'folder(path="{root.parent}")',
        predictions=predicted(right, paths, names),
        rows=rows,
    )
    return write_report(load(run))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("few"), ("ant", "Bee", "cat", "12 dogs"), 43)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    names = [f"{'class_with_a_long_name_' * 3}{n}" for n in range(22)]
    return write_page(tmp_path_factory.mktemp("many"), names, 60)


@pytest.mark.parametrize("width", [1400, 800, 390])
def test_nothing_is_cut_and_nothing_fails(tab, page, many, width):
    for path in (page, many):
        for dark in (False, True):
            tab.open(path, width=width, dark=dark)
            assert tab.problems == []
            assert tab.evaluate("document.documentElement.scrollWidth") == width
            assert tab.evaluate(CUT) == []
            assert tab.evaluate(HIDDEN) == []


def test_figures_stand_in_one_row_on_a_wide_screen(tab, page):
    tab.open(page, width=1400)
    tops = tab.evaluate(
        '[...document.querySelectorAll(".figures li")].map((e) => e.getBoundingClientRect().top)'
    )
    assert len(tops) > 4
    assert len({*tops}) == 1


def test_a_script_from_elsewhere_does_not_run(tab, page, tmp_path):
    changed = tmp_path / "changed.html"
    text = page.read_text().replace("</body>", "<script>window.x = 1</script></body>")
    changed.write_text(text)
    tab.open(changed)
    assert tab.evaluate("window.x") is None
    assert any("Content Security Policy" in line for line in tab.problems)


def test_a_chart_shows_the_values_beside_the_pointer(tab, page):
    tab.open(page)
    tab.scroll_to("#training_curves")
    x, y, width = tab.evaluate(
        "(({x, y, width}) => [x, y, width])"
        '(document.querySelector("#training_curves svg").getBoundingClientRect())'
    )
    tab.move(x + width - 16, y + 60)
    shown = tab.evaluate('[...document.querySelector("#tip").children].map((e) => e.textContent)')
    # The loss of the last epoch.
    assert shown == ["epoch 30", "training  0.9", "validation  0.2"]
    assert not tab.evaluate('document.querySelector("#tip").hidden')
    tab.move(x + width / 2, y - 40)
    assert tab.evaluate('document.querySelector("#tip").hidden')


def test_a_cell_shows_its_images_and_an_image_becomes_large(tab, page):
    tab.open(page)
    visible = (
        '[...document.querySelectorAll(".opened figure")].filter((e) => e.offsetParent)'
        '.map((e) => e.closest("section").dataset.row + "," + e.dataset.column)'
    )
    # At first those of the class with most mistakes: every cat is taken for something else.
    assert {*tab.evaluate(visible)} == {"2,3"}
    tab.evaluate("document.querySelector('th[data-row=\"0\"] a').click()")
    assert {*tab.evaluate(visible)} == {"0,1", "0,0"}
    cell = tab.evaluate('document.querySelector("td.wrong.opens").dataset.cell')
    tab.evaluate(f"document.querySelector('td[data-cell=\"{cell}\"] a').click()")
    assert {*tab.evaluate(visible)} == {cell}
    large = 'document.querySelector("#large").open'
    assert not tab.evaluate(large)
    picture = ".opened section:not([hidden]) figure:not([hidden]) img"
    tab.evaluate(f"document.querySelector('{picture}').click()")
    assert tab.evaluate(large)
    before = tab.evaluate('document.querySelector("#large img").src')
    tab.press("ArrowRight")
    assert tab.evaluate('document.querySelector("#large img").src') != before
    tab.press("Escape")
    assert not tab.evaluate(large)


def sorted_by(tab, column, page):
    """Returns a column's cells as they are, after a click, and after another."""
    tab.open(page)
    yield tab.evaluate(COLUMN % column)
    for _ in range(2):
        order = tab.evaluate(CLICK % column)
        yield order, tab.evaluate(COLUMN % column)


def test_names_sort_as_people_read_them_and_the_mean_stays_below(tab, page):
    before, up, down = sorted_by(tab, 0, page)
    assert before == ["ant", "Bee", "cat", "12 dogs", "mean"]
    assert up == ("ascending", ["12 dogs", "ant", "Bee", "cat", "mean"])
    assert down == ("descending", ["cat", "Bee", "ant", "12 dogs", "mean"])


def test_numbers_sort_by_value(tab, page):
    before, (_, up), (_, down) = sorted_by(tab, 3, page)
    values = [float(text.removesuffix(" %")) for text in before[:-1]]
    assert [float(text.removesuffix(" %")) for text in up[:-1]] == sorted(values)
    assert [float(text.removesuffix(" %")) for text in down[:-1]] == sorted(values, reverse=True)
    assert len({*values}) > 2

"""The page of a check in a real browser, where there is one."""

import browser
import pytest
from conftest import write_photos

from dlcv_plugins.commands.data.check.checkup import check_data
from dlcv_plugins.commands.data.check.page import write_page

pytestmark = browser.required
SHOWN = """
[...document.querySelectorAll(%s)].filter((e) => e.offsetParent !== null).length
"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser.opened(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Thirty images that can't be read, three small classes, one of them with a long name."""
    folder = tmp_path_factory.mktemp("check")
    root = write_photos(folder / "photos", ("ant", "bee", "wasp" * 15), 4)
    for number in range(130):
        (root / "ant" / f"broken{number:03d}.jpg").write_bytes(b"not an image")
    write_page(check_data(str(root)), folder / "check.html")
    return folder / "check.html"


def shown(tab, selector):
    return tab.evaluate(SHOWN % repr(selector))


@pytest.mark.parametrize("width", [1400, 800, 390])
def test_nothing_is_cut_and_nothing_fails(tab, page, width):
    tab.open(page, width=width)
    assert tab.problems == []
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    # The histogram is drawn, with a bar a class.
    assert shown(tab, ".chart .column") == 3


def test_all_that_a_finding_concerns_is_reached_page_by_page(tab, page):
    tab.open(page)
    first, second = "section[id^=unreadable] .groups", "section[id^=unreadable] ul"
    assert shown(tab, f"{first} .group") == 12
    # Of 130 images, 48 have pictures, and 82 have names.
    assert tab.evaluate(f"document.querySelectorAll('{second} li').length") == 82
    press = f"document.querySelector('{first} + .pager button:last-child').click()"
    texts = []
    for _ in range(5):
        texts.append(tab.evaluate(f"document.querySelector('{first} + .pager span').textContent"))
        tab.evaluate(press)
    assert texts == ["1 to 12 of 48", "13 to 24 of 48", "25 to 36 of 48", *2 * ["37 to 48 of 48"]]


def test_findings_are_filtered_by_severity(tab, page):
    tab.open(page)
    errors, warnings = (shown(tab, f".finding.{severity}") for severity in ("error", "warning"))
    assert errors
    assert warnings
    tab.evaluate("document.querySelector('#only-warning').click()")
    assert shown(tab, ".finding.error") == 0
    assert shown(tab, ".finding.warning") == warnings

"""A report in a real browser, where there is one: no errors, and tables that sort."""

import json
import re
import shutil
import subprocess
from html import unescape

import pytest
from written_runs import predicted, write_run

from dlcv.runs.load import load
from dlcv_plugins.report.write import write_report

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no browser (chromium) is installed")
CLICKS = """
const table = [...document.querySelectorAll("table.sortable")].find((t) => t.tFoot);
const seen = [];
const look = () => seen.push([...table.rows].slice(1).map((row) => row.cells[%d].textContent));
look();
for (let click = 0; click < 2; click++) {
  table.tHead.rows[0].cells[%d].querySelector("button").click();
  look();
  seen.push(table.tHead.rows[0].cells[%d].getAttribute("aria-sort"));
}
document.body.append(Object.assign(document.createElement("pre"),
  {id: "seen", textContent: JSON.stringify(seen)}));
"""


def opened(page, folder):
    """Returns the page as the browser has it after its scripts, and what its console says."""
    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            f"--user-data-dir={folder}", "--virtual-time-budget=5000", "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


@pytest.fixture
def page(tmp_path):
    names = ("ant", "Bee", "cat", "12 dogs")
    right = [n % 4 != 2 and n % 5 > 0 for n in range(43)]
    found = predicted(right, map(str, range(43)), names)
    return write_report(load(write_run(tmp_path / "run", predictions=found)))


def test_it_opens_without_an_error(page, tmp_path):
    content, console = opened(page, tmp_path / "profile")
    assert console == []
    # The script has run.
    assert content.count("<th><button>") + content.count('scope="col"><button>') > 10


def test_a_script_from_elsewhere_does_not_run(page, tmp_path):
    page.write_text(page.read_text().replace("</body>", "<script>window.x = 1</script></body>"))
    _, console = opened(page, tmp_path / "profile")
    assert any("Content Security Policy" in line for line in console)


def sorted_by(column, page, folder):
    """Returns a column's cells as they are, after a click, and after another."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text())
    clicks = CLICKS % (column, column, column)
    page.write_text(text.replace("</body>", f"<script>{clicks}</script></body>"))
    content, console = opened(page, folder)
    assert console == []
    return json.loads(unescape(re.search(r'<pre id="seen">(.*?)</pre>', content)[1]))


def test_names_sort_as_people_read_them_and_the_mean_stays_below(page, tmp_path):
    before, up, first, down, second = sorted_by(0, page, tmp_path / "profile")
    assert before == ["ant", "Bee", "cat", "12 dogs", "mean"]
    assert (up, first) == (["12 dogs", "ant", "Bee", "cat", "mean"], "ascending")
    assert (down, second) == (["cat", "Bee", "ant", "12 dogs", "mean"], "descending")


def test_numbers_sort_by_value(page, tmp_path):
    before, up, _, down, _ = sorted_by(2, page, tmp_path / "profile")
    values = [float(text) for text in before[:-1]]
    assert [float(text) for text in up[:-1]] == sorted(values)
    assert [float(text) for text in down[:-1]] == sorted(values, reverse=True)
    assert len({*values}) > 2

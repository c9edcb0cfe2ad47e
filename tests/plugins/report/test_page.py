"""The page of a report: what is on it, and that it needs nothing from elsewhere."""

import base64
import errno
import hashlib
import html.parser
import json
import logging
import re
from pathlib import Path

import attrs
import numpy as np
import pytest
from conftest import write_photos
from markupsafe import Markup
from written_runs import history, predicted, write_run

from dlcv.errors import DlcvError
from dlcv.interfaces import (
    Curves,
    Details,
    Evaluation,
    Evaluator,
    Links,
    Notice,
    Pairs,
    Paragraph,
    Picture,
    Pictures,
    Preformatted,
    Section,
    SectionContent,
    Table,
    option,
    plugin,
)
from dlcv.registry import registry
from dlcv.runs.load import load
from dlcv_plugins.ensembles.ensemble import Ensemble
from dlcv_plugins.report import write
from dlcv_plugins.report.write import report_finished, write_report

WITH_PICTURES = "sample_predictions, confident_mistakes"
VOID = {"meta", "img", "br", "link", "input", "hr", "wbr"}


class Page(html.parser.HTMLParser):
    """A page as a browser sees it; elements that are not closed are an error."""

    def __init__(self, path: Path):
        super().__init__()
        self.source = path.read_text()
        self.open, self.addresses, self.ids, self.text = [], [], [], ""
        self.elements, self.scripts = [], []
        self.feed(self.source)
        assert not self.open

    def handle_starttag(self, tag, given):
        values = dict(given)
        self.text += " "
        self.elements.append(tag)
        self.addresses += [values[name] for name in ("src", "href", "srcset") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text += " "

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif not self.open or self.open[-1] != "style":
            self.text += data

    @property
    def words(self):
        return " ".join(self.text.split())


def make_run(folder):
    """Two classes of ten photos; of the twenty held out, eighteen are right."""
    root = write_photos(folder / "data" / "test", ("cat", "dog"), 10)
    write_photos(folder / "data" / "train", ("cat", "dog"), 2)
    paths = [str(root / name / f"{n:03d}.png") for n in range(10) for name in ("cat", "dog")]
    data = f'folder(path="{root.parent}")'
    return write_run(
        folder / "runs" / "one", data, predictions=predicted([True] * 18 + [False] * 2, paths)
    )


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """The same run for all tests, not to be changed."""
    return make_run(tmp_path_factory.mktemp("lasting"))


@pytest.fixture(scope="module")
def page(lasting):
    """Its report."""
    return Page(write_report(load(lasting)))


def test_page_tells_what_was_trained_on_what_and_how_good_it_is(page):
    assert "one lenet on data. Written on" in page.words
    assert "90.00 % accuracy on 20 images of test 95 %: 69.90 to 97.21 %" in page.words
    assert "50.00 % guessing the largest class" in page.words
    assert "2 classes 3 epochs 6 s training 1,234 parameters" in page.words
    assert "c" * 64 in page.words
    assert "a processor" in page.words
    assert 'architecture = "lenet"' in page.text
    wanted = {"next_steps", "training_curves", "metric_table", "per_class", "sample_predictions"}
    assert not wanted - {*page.ids}


def test_a_body_is_named_before_what_was_put_on_it(tmp_path):
    run = make_run(tmp_path)
    record = run / "run.toml"
    head = 'linear_head(base=resnet18(weights="w.pth"))'
    record.write_text(record.read_text().replace('"lenet"', f"'{head}'"))
    assert "resnet18 with linear_head on data" in Page(write_report(load(run))).words


def test_page_needs_nothing_from_elsewhere(page):
    elsewhere = [a for a in page.addresses if not a.startswith(("data:image/", "#"))]
    assert elsewhere == []
    assert page.elements.count("script") == 1
    assert "@import" not in page.source
    assert "url(" not in page.source


def test_policy_of_the_page_allows_its_script_and_no_other(page):
    digest = base64.b64encode(hashlib.sha256(page.scripts[0].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page.source)[1]
    policy = html.unescape(policy)
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_the_same_run_has_the_same_page(page, lasting):
    assert page.elements.count("svg") > 8
    assert page.source == Page(write_report(load(lasting))).source


def test_ways_on_the_page_lead_to_its_sections(page):
    ways = [address[1:] for address in page.addresses if address.startswith("#")]
    assert len(ways) > 8
    assert {*ways} <= {*page.ids}


def test_the_best_epoch_is_marked(page):
    # Validation accuracies of 0.5, 0.75 and 0.7, losses of one less these.
    assert page.words.count("best: epoch 2") == 2
    assert "The saved weights are those of epoch 3." in page.words


def test_shares_are_percentages_and_names_are_words(page):
    assert "precision 90.00 %" in page.words
    assert "largest class 50.00 %" in page.words
    assert "dog 10 1 90.00 % 90.00 % 90.00 % cat (1)" in page.words
    assert not re.search(r"largest_class|val_loss", page.words)


def test_cells_of_the_confusion_matrix_open_their_images(page):
    groups = re.findall(r'<section id="confused_classes-(\d)".*?</section>', page.source, re.DOTALL)
    assert groups == ["0", "1"]
    dogs = page.source.partition('<section id="confused_classes-1"')[2].partition("</section>")[0]
    # A mistake, and three of the nine that are right.
    assert dogs.count('data-column="0"') == 1
    assert dogs.count('data-column="1"') == 3
    assert dogs.count("<img") == 4
    assert "and 6 more" in dogs


def test_names_add_no_elements(tmp_path):
    names = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')
    found = predicted([True, False, True], ["<b>1</b>", "2", "3"], names)
    page = Page(write_report(load(write_run(tmp_path / "a<i>b", predictions=found))))
    assert page.elements.count("script") == 1
    assert {"b", "i"} & {*page.elements} <= {"b"}
    assert all(address.startswith(("data:", "#")) for address in page.addresses)
    assert names[0] in page.text


def test_two_classes_have_their_own_section(page, tmp_path):
    assert "two_classes" in page.ids
    three = predicted([True, True, False], "123", ("a", "b", "c"))
    path = write_run(tmp_path / "three", predictions=three)
    assert "two_classes" not in Page(write_report(load(path), sections="two_classes")).ids


def test_classes_that_are_confused_most_are_listed_once(tmp_path):
    for classes in (3, 20):
        names = [f"class {n}" for n in range(classes)]
        found = predicted([n % 3 > 0 for n in range(60)], map(str, range(60)), names)
        page = Page(write_report(load(write_run(tmp_path / str(classes), predictions=found))))
        assert page.words.count("Confused most") == 1


def test_mistakes_are_shown_with_their_pictures(page):
    pictures = [a for a in page.addresses if a.startswith("data:image/png")]
    # Nine samples, the two mistakes, and in the matrix these and three right ones of each class.
    assert len(pictures) == 9 + 2 + 2 + 6
    assert "Worst mistakes" in page.words
    assert "no picture" not in page.words


def test_without_its_data_the_report_says_which_pictures_are_missing(run, caplog):
    (run.parents[1] / "data").rename(run.parents[1] / "moved")
    with caplog.at_level(logging.WARNING):
        page = Page(write_report(load(run), sections=WITH_PICTURES))
    assert "Pictures are missing:" in page.words
    assert "no picture" in page.words
    assert "cat/009.png" in page.words
    (message,) = caplog.messages
    assert message.startswith("the report lacks 11 pictures: ")


def test_an_image_that_is_of_another_class_now_is_not_shown(run, caplog):
    paths = load(run).predictions().sample_ids
    for path in map(Path, paths[-2:]):
        other = {"cat": "dog", "dog": "cat"}[path.parent.name]
        path.rename(path.parents[1] / other / f"was_{path.name}")
    write_report(load(run), sections=WITH_PICTURES)
    assert caplog.messages[0].startswith("the report lacks 2 pictures: the data is not what")


def test_a_run_without_epochs_has_a_report(tmp_path):
    found = predicted([True, False], "12")
    page = Page(write_report(load(write_run(tmp_path / "fitted", predictions=found, rows=[]))))
    assert "50.00 % accuracy on 2 images of test" in page.words
    assert not {"training_curves", "next_steps"} & {*page.ids}
    assert "epochs" not in page.words.partition("Metrics")[0]


def test_a_diverged_training_has_a_report(tmp_path):
    found = predicted([True, False], "12")
    lost = attrs.evolve(found, probabilities=np.full_like(found.probabilities, np.nan))
    rows = history(loss=[1.0, np.nan, np.nan], val_loss=[np.nan] * 3)
    page = Page(write_report(load(write_run(tmp_path / "lost", predictions=lost, rows=rows))))
    assert "The training diverged." in page.words
    assert "0.00 % accuracy" in page.words


@pytest.fixture
def members(tmp_path):
    paths = ["1", "2", "3", "4"]
    whole = predicted([True, True, True, False], paths, members=2)
    path = write_run(tmp_path / "all", predictions=whole, rows=[], members=2, seconds=12.0)
    for number in (1, 2):
        each = predicted([True, number == 1, True, False], paths)
        write_run(path / "members" / str(number), predictions=each, rows=history())
    return path


def test_members_are_listed_with_their_reports(members):
    page = Page(write_report(load(members)))
    links = [a for a in page.addresses if not a.startswith(("data:", "#"))]
    assert links == ["members/1/report.html", "members/2/report.html"]
    assert "12 s training" in page.words
    assert {"members_compared", "member_reports", "next_steps"} <= {*page.ids}
    assert "These are the figures of one member; all 2 together misclassify 50.00 %" in page.words


def test_a_member_has_a_report_of_its_own(members):
    page = Page(write_report(load(members / "members" / "2")))
    assert page.words.startswith("all, member 2 all, member 2 ")
    assert "next_steps" in page.ids


def test_runs_without_a_common_folder_have_no_report(members):
    paths = [members / "members" / number for number in "12"]
    with pytest.raises(DlcvError, match="only a run has a report"):
        write_report(Ensemble([load(path) for path in paths]))
    assert not list(members.rglob("report.html"))


def test_an_unfinished_run_has_no_report(tmp_path):
    with pytest.raises(DlcvError, match="not finished; continue with: dlcv resume"):
        write_report(load(write_run(tmp_path / "stopped")))


@plugin
class Broken(Evaluator):
    """Fails."""

    def evaluate(self, predictions):
        """Fails."""
        raise ValueError("I am broken\nand say so at length")


@plugin
class Foreign(Evaluator):
    """Finds a figure, a table and a drawing."""

    def evaluate(self, predictions):
        """Returns them."""
        line = {"a line": np.array([(0, 0), (3, 4)])}
        return Evaluation(
            {"answer": 42.0},
            {"foreign": Table("What I found", ("thing", "count"), (("x", 12345),))},
            {"foreign": Curves("My drawing", "x", "y", line)},
            {"answer": (41.0, 43.0)},
        )


def test_what_evaluators_of_others_find_is_shown(tmp_path):
    with registry.register("evaluator", "foreign", Foreign):
        found = predicted([True, False], "12")
        path = write_run(tmp_path / "run", predictions=found, evaluators="rank, foreign")
        page = Page(write_report(load(path), sections="metric_table, further_evaluators"))
    assert "further_evaluators" in page.ids
    assert "answer 42.0000 41.0000 to 43.0000" in page.words
    assert "What I found thing count x 12,345" in page.words
    assert 'aria-label="My drawing"' in page.source


def test_an_evaluator_that_fails_costs_its_own_section_only(tmp_path):
    with registry.register("evaluator", "broken", Broken):
        found = predicted([True, False], "12")
        path = write_run(tmp_path / "run", predictions=found, evaluators="broken, rank")
        page = Page(write_report(load(path)))
    assert "The evaluator broken failed: ValueError: I am broken" in page.words
    assert "at length" not in page.words
    assert "50.00 % accuracy" in page.words


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("no fonts"), "RuntimeError: no fonts"),
        (DlcvError("a is not b"), "a is not b"),
        (
            OSError(errno.ENOSPC, "No space left on device", "runs/r"),
            "can't use runs/r: no space left on device; mend it, then run the command again",
        ),
    ],
)
def test_a_report_that_fails_costs_no_training(error, reason, run, monkeypatch, caplog):
    def fail(*_):
        raise error

    monkeypatch.setattr(write, "page", fail)
    report_finished(load(run))
    (message,) = caplog.messages
    assert message == (
        f"the run is finished, but its report failed: {reason}; write it with: dlcv report {run}"
    )
    assert not (run / "report.html").exists()


def test_many_classes_are_shown_in_a_box(tmp_path):
    names = [f"class {n:03d}" for n in range(100)]
    found = predicted([n % 7 > 0 for n in range(200)], map(str, range(200)), names)
    page = Page(write_report(load(write_run(tmp_path / "many", predictions=found))))
    assert 'class="scroll data long"' in page.source
    assert page.source.count("<tfoot>") == 1
    assert len(page.source) < 1_000_000


@pytest.mark.parametrize("classes", [8, 9])
def test_only_the_table_by_class_has_a_foot(tmp_path, classes):
    # Nine mistakes are shown: as many rows as eight classes have with their mean.
    right = [n % 3 > 0 for n in range(60)]
    found = predicted(right, map(str, range(60)), [f"class {n}" for n in range(classes)])
    page = Page(write_report(load(write_run(tmp_path / "run", predictions=found))))
    assert page.elements.count("tfoot") == 1
    assert page.words.count("no picture") == 9 + 9


def test_long_names_are_cut_and_told_in_full_on_request(tmp_path):
    names = ("short", "x" * 64, "y" * 65)
    found = predicted([True] * 9, map(str, range(9)), names)
    page = Page(write_report(load(write_run(tmp_path / "run", predictions=found))))
    assert "x" * 64 in page.text
    assert "y" * 63 + "…" in page.text
    assert "y" * 64 not in page.text
    assert f'title="{"y" * 65}"' in page.source


def test_text_of_drawings_is_text_in_any_script(tmp_path):
    names = ("שלום עולם", "中文类别")
    found = predicted([True] * 4, "1234", names)
    page = Page(write_report(load(write_run(tmp_path / "run", predictions=found))))
    for name in names:
        assert f"<bdi>{name}</bdi>" in page.source


@plugin
class Hello(Section):
    """Greets."""

    word: str = option("hello", help="the greeting")

    def render(self, run):
        """Returns a text with elements, a link and a picture."""
        return SectionContent(
            "Greetings & <i>more</i>",
            (
                Paragraph(f"<script>alert(1)</script> {self.word} {run.name}"),
                Links((("<b>all</b>", "metrics.json"),)),
                Pictures((Picture(run.predictions.sample_ids[0], "<u>title</u>"),)),
            ),
        )


@plugin
class Failing(Section):
    """Fails."""

    def render(self, run):
        """Fails."""
        raise ValueError("I can't\nat all")


@plugin
class Leading(Section):
    """Leads elsewhere."""

    def render(self, run):
        """Returns a link to a script."""
        return SectionContent("", (Links((("click", "javascript:alert(1)"),)),))


def test_a_section_of_others_stands_among_the_shipped_ones(run):
    with registry.register("section", "hello", Hello):
        page = Page(write_report(load(run)))
    assert "hello" in page.ids
    order = [page.ids.index(name) for name in ("confident_mistakes", "hello", "data_and_settings")]
    assert order == sorted(order)
    assert "<script>alert(1)</script> hello one" in page.words
    assert page.elements.count("script") == 1
    assert not {"i", "u"} & {*page.elements}
    assert "metrics.json" in page.addresses


def test_a_text_that_brings_its_own_html_is_text(run):
    """Texts of markupsafe count as safe in templates, whoever made them."""
    hostile = Markup("<script>alert(1)</script>")
    content = SectionContent(
        hostile,
        (
            Paragraph(hostile, strong=hostile),
            Table(hostile, (hostile,), ((hostile,), (hostile,))),
            Pictures((Picture(hostile, hostile, hostile, (hostile,)),)),
            Details(hostile, (Preformatted(hostile), Pairs(((hostile, hostile),)))),
            Notice(hostile, hostile, hostile, hostile, hostile),
        ),
    )

    @plugin
    class Hostile(Section):
        """Smuggles a script into each part."""

        def render(self, run):
            """Returns texts that are no plain texts."""
            return content

    with registry.register("section", "hostile", Hostile):
        page = Page(write_report(load(run), sections="hostile"))
    assert page.elements.count("script") == 1
    assert page.words.count("<script>alert(1)</script>") > 12


def test_the_configuration_says_which_sections_and_in_which_order(run):
    text = (run / "run.toml").read_text()
    chosen = 'sections = "per_class, hello(word=bye), all"'
    (run / "run.toml").write_text(text.replace('sections = "all"', chosen))
    with registry.register("section", "hello", Hello):
        page = Page(write_report(load(run)))
    assert page.ids[:2] == ["per_class", "hello"]
    assert page.ids.count("per_class") == 1
    assert "bye one" in page.words
    assert "next_steps" in page.ids
    page = Page(write_report(load(run), sections="headline"))
    assert page.ids == []


@pytest.mark.parametrize(
    ("cls", "reason"),
    [(Failing, "ValueError: I can't"), (Leading, "a link of a report is a relative path")],
)
def test_a_section_that_fails_costs_a_line(run, caplog, cls, reason):
    with registry.register("section", "wrong", cls):
        page = Page(write_report(load(run), sections="wrong, sample_predictions"))
    assert f"The section wrong failed, of this program: {reason}" in page.words.replace(
        "TypeError: ", ""
    )
    assert "at all" not in page.words
    assert "sample_predictions" in page.ids
    (message,) = caplog.messages
    assert message.startswith("the report lacks the section wrong of this program: ")


def test_without_sections_there_are_the_figures(run, monkeypatch):
    content = json.loads((run / "metrics.json").read_text())
    content |= {"metrics": {"rank1": 0.9}, "units": {"rank1": "%"}}
    (run / "metrics.json").write_text(json.dumps(content))
    monkeypatch.setenv("DLCV_DISABLE", "section:*")
    page = Page(write_report(load(run)))
    assert "rank1 90.00 %" in page.words
    assert page.ids == ["figures"]


def test_a_report_runs_each_evaluator_once(run, monkeypatch):
    runs = []
    for name in registry.names("evaluator"):
        cls = registry.get("evaluator", name)

        def evaluate(self, predictions, name=name, real=cls.evaluate):
            runs.append(name)
            return real(self, predictions)

        monkeypatch.setattr(cls, "evaluate", evaluate)
    write_report(load(run))
    assert sorted(runs) == sorted({*registry.names("evaluator")} - {"ensemble"})

"""Checks of other packages: shown like ours, selected, disabled, and harmless where they fail."""

import html
import json
import textwrap

import pytest
from click.testing import CliRunner
from fake_packages import install, run_python

import dlcv
from dlcv import registry
from dlcv.cli.main import dlcv as program
from dlcv.errors import DlcvError
from dlcv.interfaces import Check, Finding, Sample, option, plugin
from dlcv.testing import check_plugin


@plugin
class Wide(Check):
    """Finds images that are wider than high."""

    ratio: float = option(1.0, help="width by height above which an image counts", gt=0)

    def findings(self, facts):
        wide = [
            image.sample.with_detail(f"{image.pixels.width / image.pixels.height:.2f}")
            for image in facts.images
            if image.pixels and image.pixels.width > self.ratio * image.pixels.height
        ]
        groups = tuple((sample,) for sample in wide)
        if not wide:
            return []
        return [Finding("wide", "error", f"{len(wide)} images are wide", "cut them", groups)]


@pytest.fixture
def wide(photos):
    """A data set with four images, one of them wide."""
    root = photos(classes=("cat", "dog"), count=2, size=(40, 40))
    other = photos(classes=("cat",), count=1, size=(40, 60), name="other")
    (other / "cat/000.png").rename(root / "cat/wide.png")
    with registry.register("check", "wide", Wide):
        yield root


def run(*arguments):
    return CliRunner().invoke(program, ["data", "check", *map(str, arguments)])


def test_a_registered_check_is_in_terminal_json_and_page(wide, tmp_path):
    page = tmp_path / "check.html"
    done = run(wide, "--report", page)
    assert done.exit_code == 1, done.output
    assert (
        "error    1 images are wide\n           cat/wide.png: 1.50\n         cut them\n"
    ) in done.stdout
    text = page.read_text()
    assert "error &middot; wide</div>" in text
    assert "<h3>1 images are wide</h3>" in text
    assert text.count('<img src="data:image/') >= 1
    found = json.loads(run(wide, "--json").stdout)
    (finding,) = [f for f in found["findings"] if f["check"] == "wide"]
    assert finding["groups"] == [
        [{"name": "cat/wide.png", "split": "all", "label": "cat", "index": 2, "detail": "1.50"}]
    ]
    assert finding["images_by_class"] == {"cat": 1}


def test_it_keeps_the_rules(wide):
    check_plugin(Wide())


def test_checks_selects_them_and_sets_their_options(wide):
    def ids(text):
        return [
            f["id"] for f in json.loads(run(wide, "--json", "--checks", text).stdout)["findings"]
        ]

    assert ids("wide, small_classes") == ["wide", "few-images"]
    assert ids("wide(ratio=2), small_classes") == ["few-images"]
    assert ids("small_classes(fewest=2)") == []
    done = run(wide, "--checks", "wyde")
    assert isinstance(done.exception, DlcvError)
    message = str(done.exception)
    assert message == 'unknown check "wyde" at column 1 of "wyde"; did you mean "wide"?'


def test_in_python_a_check_may_be_an_instance(wide):
    found = dlcv.check_data(str(wide), checks=[Wide(ratio=1.2), "small_classes"])
    assert [(r.check, r.finding.id) for r in found.reported] == [
        ("wide", "wide"),
        ("small_classes", "few-images"),
    ]
    assert found.spoils_training


PACKAGE = textwrap.dedent(
    """
    from dlcv.interfaces import Check, Finding, option, plugin

    @plugin
    class Raising(Check):
        '''Divides by zero.'''
        def findings(self, facts):
            return 1 / 0

    @plugin
    class Demanding(Check):
        '''Has an option without a default.'''
        size: int = option(help="a size")
        def findings(self, facts):
            return []

    @plugin
    class Fine(Check):
        '''Finds that all is well.'''
        def findings(self, facts):
            return [Finding("fine", "note", "all is well", "go on")]
    """
)


@pytest.fixture
def acme(tmp_path, photos):
    photos(classes=("cat", "dog"), count=2, size=(40, 40))
    names = ("Raising", "Demanding", "Fine", "Missing")
    checks = {name.lower(): f"acme_checks:{name}" for name in names}
    install(tmp_path, "acme-checks", {"checks": checks}, {"acme_checks": PACKAGE}, "2.5")
    return tmp_path


def test_a_check_that_fails_costs_a_line_that_names_it_and_its_package(acme):
    command = ("-m", "dlcv", "data", "check", "photos", "--report", "check.html")
    done = run_python(acme, *command)
    assert done.returncode == 0, done.stderr
    assert "note     all is well\n         go on\n" in done.stdout
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning")]
    assert len(warnings) == 3, done.stderr
    assert "warning: demanding needs size, a size" in warnings[0]
    assert warnings[1].startswith('warning: check "missing" of acme-checks 2.5 is broken: ')
    problem = 'check "raising" of acme-checks 2.5 failed: ZeroDivisionError: division by zero'
    assert warnings[2] == f"warning: {problem}; its findings are missing"
    assert "Traceback" not in done.stderr
    page = (acme / "check.html").read_text()
    assert (
        f"missing:</strong> {html.escape(problem, quote=True).replace('&quot;', '&#34;')}." in page
    )
    assert "Traceback" in run_python(acme, *command, "--force", "--debug").stderr


def test_dlcv_disable_leaves_a_check_out(acme):
    command = ("-m", "dlcv", "data", "check", "photos", "--json")
    disabled = "check:raising, check:missing, demanding, check:small_classes"
    done = run_python(acme, *command, DLCV_DISABLE=disabled)
    assert "warning" not in done.stderr
    found = json.loads(done.stdout)
    assert found["failed_checks"] == {}
    assert [f["id"] for f in found["findings"]] == ["fine"]


@pytest.mark.parametrize(
    ("finding", "reason"),
    [
        (Finding("x", "fatal", "it is bad", "do it"), '"fatal" is no severity'),
        ("a text", "'a text', which is no Finding"),
        (
            Finding("x", "note", "it is", "do", ((Sample("a", "all", "cat", 99),),)),
            "no image 99 in 'all'",
        ),
        (
            Finding("x", "note", "it is", "do", ((Sample("a", "none", "cat", 0),),)),
            "no image 0 in 'none'",
        ),
    ],
)
def test_findings_that_can_not_be_shown_cost_a_line(wide, finding, reason):
    @plugin
    class Wrong(Check):
        """Returns what can't be shown."""

        def findings(self, facts):
            return [finding]

    with registry.register("check", "wrong", Wrong):
        found = dlcv.check_data(str(wide), checks="wrong, wide")
    assert [f.id for f in found.findings] == ["wide"]
    assert reason in found.failed["wrong"]

"""`dlcv plugins`: what is installed, what is broken, and what a plugin can be told."""

import json
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import forked
import pytest
from fake_packages import install, run_python

from dlcv import packages as packages_module
from dlcv.cli.plugins import plugins as command

MODULE = '''"""Plugins of all sorts."""
from pathlib import Path
from dlcv.interfaces import Architecture, option, plugin

open("imported_acme", "w").close()

@plugin
class Good(Architecture):
    """A network, for a test.

    It has a second paragraph.
    """
    base: Architecture = option(help="the network below")
    width: float = option(1.0, help="factor on the filters", gt=0)
    title: str = option("two words", help="a title")
    weights: Path | None = option(None, help="a file")
    def features(self, x):
        return x

@plugin
class Titled(Architecture):
    """Has a text for a default."""
    title: str = option("two words", help="a title")
    def features(self, x):
        return x

@plugin
class Plain(Architecture):
    """Has no options."""
    def features(self, x):
        return x
'''


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good package, one that is torn, and one that shares a name with another."""
    folder = tmp_path_factory.mktemp("packages")
    named = {
        "acme_good": "acme:Good",
        "acme_titled": "acme:Titled",
        "acme_plain": "acme:Plain",
        "twin": "acme:Plain",
        "mean": "acme:Plain",
    }
    install(folder, "acme-vision", {"architectures": named}, {"acme": MODULE}, "1.5")
    torn = {"architectures": {"torn": "torn:X", "twin": "torn:X"}}
    install(folder, "torn-apart", torn, {"torn": "open('imported_torn', 'w')\nimport nowhere"})
    return folder


def dlcv(folder: Path, *arguments: str, **environment: str) -> str:
    """Runs the command line and returns what it printed."""
    ended = forked.dlcv(*arguments, folder=folder, packages=[folder], variables=environment)
    assert ended.stderr == ""
    assert ended.returncode == ("--check" in arguments and "broken" in ended.stdout)
    return ended.stdout


def rows(folder: Path, *arguments: str, **environment: str) -> list[dict[str, Any]]:
    """Returns what `plugins list --json` prints."""
    found = json.loads(dlcv(folder, "plugins", "list", *arguments, "--json", **environment))
    assert isinstance(found, list)
    return found


def test_all_kinds_are_listed_in_columns(tmp_path: Path) -> None:
    head, *body = (line.split() for line in dlcv(tmp_path, "plugins", "list").splitlines())
    assert head == ["kind", "name", "distribution", "version", "state"]
    assert ["preprocessor", "mean", "dlcv"] in [row[:3] for row in body]
    assert ["architecture", "resnet", "dlcv"] in [row[:3] for row in body]
    assert {row[4] for row in body} == {"available"}


def test_a_kind_and_a_pattern_choose(tmp_path: Path) -> None:
    found = rows(tmp_path, "architecture", "*llow*")
    assert [(row["kind"], row["name"]) for row in found] == [("architecture", "shallownet")]
    assert {row["kind"] for row in rows(tmp_path, "schedule")} == {"schedule"}
    assert rows(tmp_path, "architecture", "mea*") == []
    assert dlcv(tmp_path, "plugins", "list", "architecture", "mea*") == "no plugin matches\n"


def test_a_pattern_may_name_the_package(packages: Path) -> None:
    names = {row["name"] for row in rows(packages, "architecture", "acme_vision.*")}
    assert names == {"acme_good", "acme_titled", "acme_plain", "twin", "mean"}


def test_what_is_broken_shows_when_it_is_checked(packages: Path) -> None:
    forget_imports(packages)
    assert states(rows(packages, "architecture"))["torn", "torn-apart"] == ("available", "")
    assert not list(packages.glob("imported_*"))
    checked = rows(packages, "architecture", "--check")
    reason = "ModuleNotFoundError: No module named 'nowhere'"
    assert states(checked)["torn", "torn-apart"] == ("broken", reason)
    assert states(checked)["acme_good", "acme-vision"] == ("available", "")
    assert states(checked)["resnet", "dlcv"] == ("available", "")
    lines = dlcv(packages, "plugins", "list", "architecture", "--check").splitlines()
    (torn,) = (line for line in lines if " torn " in line)
    assert torn.split(maxsplit=4) == [
        "architecture",
        "torn",
        "torn-apart",
        "1.0",
        f"broken: {reason}",
    ]


def test_a_name_that_two_packages_share_is_shown_with_the_cure(packages: Path) -> None:
    found = states(rows(packages, "architecture", "twin"))
    assert found == {
        ("twin", "acme-vision"): ("ambiguous", "use acme_vision.twin"),
        ("twin", "torn-apart"): ("ambiguous", "use torn_apart.twin"),
    }


def test_the_check_ends_with_1_for_a_broken_plugin(packages: Path) -> None:
    for pattern, code in (("torn", 1), ("acme_good", 0)):
        command = ("plugins", "list", "architecture", pattern, "--check")
        assert forked.dlcv(*command, folder=packages, packages=[packages]).returncode == code


@pytest.mark.parametrize(
    ("group", "meant"),
    [
        ("dlcv.preprocessor", "dlcv.preprocessors"),
        ("dlcv_preprocessors", "dlcv.preprocessors"),
        ("dclv.stores", "dlcv.stores"),
        ("DLCV.Stores", ""),
    ],
)
def test_a_group_that_nothing_reads_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, group: str, meant: str
) -> None:
    ours = EntryPoint("blur", "acme:Blur", group)
    found = {**packages_module._by_group(), group: [ours], "pytest11": [ours]}
    monkeypatch.setattr(packages_module, "_by_group", lambda: found)
    monkeypatch.setattr(packages_module, "origin", lambda point: ("acme", "1.0"))
    command.main(["list", "schedule"], standalone_mode=False)
    (note,) = capsys.readouterr().err.splitlines()
    assert note.startswith(f"note: acme uses the group {group}, which dlcv does not read")
    assert not meant or f'; did you mean "{meant}"' in note


def test_hooks_and_commands_are_listed_with_the_rest(tmp_path: Path) -> None:
    install(tmp_path, "acme", {"hooks": {"watch": "nowhere"}, "commands": {"greet": "nowhere:x"}})
    forked_rows = forked.dlcv(
        "plugins", "list", "--json", folder=tmp_path, packages=[tmp_path]
    )  # fmt: skip
    found = json.loads(forked_rows.stdout)
    ours = {(row["kind"], row["name"]) for row in found if row["distribution"] == "acme"}
    assert ours == {("hook", "watch"), ("command", "greet")}
    assert ("command", "run", "dlcv") in {(r["kind"], r["name"], r["distribution"]) for r in found}


def test_what_is_disabled_is_not_imported_by_the_check_either(packages: Path) -> None:
    forget_imports(packages)
    found = states(rows(packages, "architecture", "--check", DLCV_DISABLE="torn-apart,acme_good"))
    assert found["torn", "torn-apart"] == ("disabled", "by DLCV_DISABLE")
    assert found["acme_good", "acme-vision"] == ("disabled", "by DLCV_DISABLE")
    # The name is acme's alone now.
    assert found["twin", "acme-vision"] == ("available", "")
    assert [path.name for path in packages.glob("imported_*")] == ["imported_acme"]


def forget_imports(packages: Path) -> None:
    """Removes the files that the modules write when they are imported."""
    for path in packages.glob("imported_*"):
        path.unlink()


def states(found: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[str, str]]:
    return {(r["name"], r["distribution"]): (r["state"], r["reason"]) for r in found}


SHOWN = """\
acme_good (architecture)

A network, for a test.

It has a second paragraph.

option   type          default      what it does
base     Architecture  (required)   the network below
width    float > 0     1.0          factor on the filters
title    str           "two words"  a title
weights  Path or None  none         a file

from     acme-vision 1.5, {source}
example  dlcv run --arch 'acme_good(base="...")'
"""


def test_a_plugin_is_shown_with_its_options(packages: Path) -> None:
    shown = dlcv(packages, "plugins", "show", "acme_good")
    assert shown == SHOWN.format(source=packages / "acme.py")


def test_a_plugin_is_shown_as_json(packages: Path) -> None:
    (shown,) = json.loads(dlcv(packages, "plugins", "show", "acme_vision.acme_good", "--json"))
    assert shown["kind"] == "architecture"
    assert shown["name"] == "acme_good"
    assert (shown["distribution"], shown["version"]) == ("acme-vision", "1.5")
    assert shown["summary"] == "A network, for a test."
    assert shown["source"] == str(packages / "acme.py")
    assert shown["options"][:2] == [
        {
            "name": "base",
            "type": "Architecture",
            "required": True,
            "default": None,
            "help": "the network below",
        },
        {
            "name": "width",
            "type": "float > 0",
            "required": False,
            "default": "1.0",
            "help": "factor on the filters",
        },
    ]


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("acme_titled", "dlcv run --arch 'acme_titled(title=\"two words\")'"),
        ("acme_plain", "dlcv run --arch acme_plain"),
    ],
)
def test_the_example_can_be_typed(packages: Path, name: str, example: str) -> None:
    assert dlcv(packages, "plugins", "show", name).splitlines()[-1] == f"example  {example}"


def test_a_name_of_two_kinds_shows_both_or_the_one_asked_for(packages: Path) -> None:
    both = json.loads(dlcv(packages, "plugins", "show", "mean", "--json"))
    assert [shown["kind"] for shown in both] == ["preprocessor", "architecture"]
    one = dlcv(packages, "plugins", "show", "mean", "--kind", "architecture")
    assert one.startswith("mean (architecture)\n\nHas no options.\n\nfrom     acme-vision 1.5")


@pytest.mark.parametrize(
    ("name", "environment", "message"),
    [
        ("torn", {}, "of torn-apart 1.0 is broken: ModuleNotFoundError: No module named 'nowhere'"),
        ("torn", {"DLCV_DISABLE": "torn*"}, "of torn-apart 1.0 is disabled by DLCV_DISABLE"),
        ("twin", {}, "is claimed by acme-vision 1.5 and torn-apart 1.0; write acme_vision.twin or"),
    ],
)
def test_what_can_not_be_shown_is_an_error_of_one_line(
    packages: Path, name: str, environment: dict[str, str], message: str
) -> None:
    ended = run_python(packages, "-m", "dlcv", "plugins", "show", name, **environment)
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f'dlcv: architecture "{name}" {message}')
    assert ended.returncode == 2


def test_networks_show_where_their_weights_are(tmp_path: Path) -> None:
    printed = dlcv(tmp_path, "plugins", "list", "architecture")
    weights = {
        line.split()[1]: line.rstrip().split("  ")[-1].strip() for line in printed.splitlines()[1:]
    }

    assert printed.splitlines()[0].rstrip().endswith("ImageNet weights")
    assert weights["efficientnet_lite0"] == "installed"
    assert weights["efficientnet_lite4"] == "available"
    assert weights["vgg16"] == "downloaded when used"
    assert weights["lenet"] == "available"
    found = {row["name"]: row["weights"] for row in rows(tmp_path, "architecture")}
    assert (found["efficientnet_lite1"], found["vgg16"], found["lenet"]) == (
        "installed", "download", "",
    )  # fmt: skip

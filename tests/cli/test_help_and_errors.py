"""The command line as a process: help without heavy imports, mistakes in one line."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_packages import Ended, install, run_commands, run_python

DEEP_LEARNING = {"keras", "tensorflow", "jax", "torch", "sklearn"}

COMMAND = """
import contextlib, json, sys
from dlcv.__main__ import main
with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(SystemExit):
    main()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["plugins", "list"],
        ["plugins", "list", "store", "--json"],
        ["plugins", "list", "nonsense"],
    ],
    ids=" ".join,
)
def test_help_and_lists_import_neither_numpy_nor_plugins(
    tmp_path: Path, arguments: list[str]
) -> None:
    modules = modules_after(tmp_path, COMMAND, *arguments)
    assert not modules & (DEEP_LEARNING | {"numpy", "cv2", "PIL", "h5py"})
    if "list" not in arguments:  # Lists read the table of the shipped family.
        assert "dlcv_plugins" not in modules


def test_help_of_a_command_imports_what_adds_options_alone(tmp_path: Path) -> None:
    modules = modules_after(tmp_path, COMMAND, "run", "--help")

    assert not modules & (DEEP_LEARNING | {"numpy", "cv2", "PIL", "h5py"})


@pytest.mark.parametrize(
    "arguments", [["plugins", "list", "--check"], ["plugins", "show", "resnet"]], ids=" ".join
)
def test_importing_plugins_imports_no_deep_learning_library(
    tmp_path: Path, arguments: list[str]
) -> None:
    modules = modules_after(tmp_path, COMMAND, *arguments)
    assert "dlcv_plugins" in modules
    assert not modules & DEEP_LEARNING


def test_no_plugin_that_ships_imports_a_deep_learning_library(tmp_path: Path) -> None:
    program = (
        "import json, sys; from importlib.metadata import entry_points\n"
        "from dlcv.registry import KINDS, group_of; groups = [*map(group_of, KINDS)]\n"
        "found = [ep for g in groups for ep in entry_points(group=g) if ep.dist.name == 'dlcv']\n"
        "for ep in found: ep.load()\n"
        "assert len(found) > 100\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    assert not modules_after(tmp_path, program) & DEEP_LEARNING


@pytest.mark.parametrize("module", ["dlcv", "dlcv.interfaces", "dlcv.config", "dlcv.cli.main"])
def test_the_interfaces_import_no_numpy(tmp_path: Path, module: str) -> None:
    program = (
        f"import json, sys, {module}\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    assert not modules_after(tmp_path, program) & (DEEP_LEARNING | {"numpy"})


MISTAKES: list[tuple[list[str], str]] = [
    (["rnu"], 'no command "rnu"; did you mean "run"?'),
    (["nonsense"], 'no command "nonsense"; there are data, recipes, run, resume,'),
    (["plugins", "lst"], "lst"),
    (["plugins", "list", "x" * 6000], "xxx ... xxx"),
    (["plugins", "list", "preprocessors"], 'unknown kind of plugin "preprocessors"; did you'),
    (["plugins", "list", "x"], 'unknown kind of plugin "x"; there are preprocessor, store,'),
    (["plugins", "show", "men"], 'no plugin "men"; did you mean "mean"?'),
    (["plugins", "show", "zzzzz"], 'no plugin "zzzzz"; `dlcv plugins list` lists them'),
    (["plugins", "show", "mean", "--kind", "stor"], 'unknown kind of plugin "stor"; did you'),
    (["plugins", "show", "mean", "--kind", "store"], '"mean"; "mean" is a preprocessor'),
    (["plugins", "show"], " plugins show --help"),
    (["run", "--ach", "resnet"], "--ach"),
    (
        ["run", "photos/"],
        "dlcv: unexpected photos/; data is named by an option: --data photos/;",
    ),
    (["run", "a\x1b[31m\n\u202eb"], "dlcv: unexpected a\ufffd[31m\ufffd\ufffdb; data is named"),
    (
        ["run", "--lr", "0.1"],
        "dlcv: no option --lr; write --learning-rate; see ",
    ),
    (["run", "--model=vgg16"], "dlcv: no option --model; write --arch; see "),
    (["predict", "--lr", "1"], "dlcv: No such option '--lr'"),
    (["predict", "x", "y", "--json", "--csv"], "dlcv: --json and --csv: choose one"),
    (["run", "--data", "https://a.org/b.zip"], "https://a.org/b.zip is an address, and data"),
    (["run", "--seed"], "--seed"),
    (["run", "--precision", "half"], "half"),
    (["run", "--seed", "x"], '--seed: expected int >= 0, < 4294967296, received "x"'),
    (["run", "--seed", "3.5"], "--seed: expected int >= 0, < 4294967296, received 3.5"),
    (["run", "--seed", "3, x=4"], '--seed: expected int >= 0, < 4294967296, received "3, x=4"'),
    (["run", "--input-size", "8,"], "--input-size: expected int or (int, int) or None >= 1"),
    (["run", "--config", "none.toml"], "can't read none.toml: No such file or directory"),
    (["run", "--arch", "resnet(witdh=2)"], '"resnet(witdh=2)"; did you mean "width"?'),
    (["run", "--preproc", "mean, patch(3)"], 'at column 13 of "mean, patch(3)"'),
    (["run", "--schedule", "poly("], "can't read \"poly(\": '(' was never closed at column 5"),
    (["evaluate", "none"], "no such run: none"),
]


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """How each mistake ended, by its arguments."""
    ended = run_commands(tmp_path_factory.mktemp("empty"), [mistake[0] for mistake in MISTAKES])
    return {" ".join(mistake[0]): end for mistake, end in zip(MISTAKES, ended, strict=True)}


@pytest.mark.parametrize(
    ("arguments", "message"), [(" ".join(arguments), message) for arguments, message in MISTAKES]
)
def test_a_mistake_is_one_line_and_exit_code_2(
    mistaken: dict[str, Ended], arguments: str, message: str
) -> None:
    ended = mistaken[arguments]
    (line,) = ended.stderr.splitlines()
    assert line.startswith("dlcv: ")
    assert message in line
    assert len(line) < 5000
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.files == []


def test_an_error_goes_nowhere_else_where_standard_error_is_closed(tmp_path: Path) -> None:
    """A file that is opened then would get its number, and what is printed."""
    line = f"{sys.executable} -m dlcv run --arch none 2>&-"
    ended = subprocess.run(["bash", "-c", line], cwd=tmp_path, stdout=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stdout) == (2, b"")


def test_plugins_work_without_docstrings(tmp_path: Path) -> None:
    ended = run_python(tmp_path, "-OO", "-m", "dlcv", "plugins", "list", "store", "--check")
    assert ended.returncode == 0, ended.stderr + ended.stdout


@pytest.mark.parametrize(
    "arguments",
    [["run", "--arch", "none", "--debug"], ["run", "--debug", "--seed", "x"]],
    ids=" ".join,
)
def test_debug_shows_the_traceback_too(tmp_path: Path, arguments: list[str]) -> None:
    ended = run_python(tmp_path, "-m", "dlcv", *arguments)
    lines = ended.stderr.splitlines()
    assert "Traceback (most recent call last):" in lines
    assert lines[-1].startswith("dlcv: ")
    assert ended.returncode == 2


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []], ids=["--help", "-h", "nothing"])
def test_help_tells_how_to_start(tmp_path: Path, arguments: list[str]) -> None:
    ended = run_python(tmp_path, "-m", "dlcv", *arguments)
    printed = ended.stdout + ended.stderr
    assert "dlcv run --arch resnet --preproc mean,patch" in printed
    for command in ("run", "resume", "evaluate", "predict", "data", "plugins"):
        assert f"\n  {command} " in printed
    assert "Traceback" not in printed
    assert "dlcv: " not in printed


@pytest.mark.parametrize("group", [[], ["data"], ["plugins"], ["schedules"]])
def test_lists_of_commands_cut_no_summary(tmp_path: Path, group: list[str]) -> None:
    ended = run_python(tmp_path, "-m", "dlcv", *group, "--help")
    listed = ended.stdout.partition("Commands:")[2]
    assert len(listed) > 50
    assert "..." not in listed


def test_the_version_is_the_one_that_is_installed() -> None:
    script = Path(sys.executable).with_name("dlcv")
    ended = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout == f"dlcv {importlib.metadata.version('dlcv')}\n"


def test_nothing_is_said_when_the_reader_has_enough() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "dlcv", "plugins", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_an_image_that_is_cut_is_named_without_the_decoder_s_log(
    tmp_path: Path, photos: Callable[..., Path]
) -> None:
    cut = photos(name="photos") / "red" / "000.png"
    cut.write_bytes(cut.read_bytes()[:-200])
    ended = run_python(
        tmp_path, "-m", "dlcv", "data", "build", "photos", "--out", "packed", "--size", "8"
    )
    lines = ended.stderr.splitlines()
    assert lines[-1].startswith("dlcv: photos/red/000.png: can't be decoded completely")
    assert not [line for line in lines if line.startswith("[")]
    assert ended.returncode == 2
    assert os.listdir(tmp_path) == ["photos"]


COMMANDS = '''
import click

@click.command()
def hello():
    """Says hello."""
    click.echo("hello")

open("imported", "w").close()
'''


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with a package that adds commands, most of them broken."""
    named = {
        "hello": "acme:hello",
        "run": "acme:hello",
        "report": "acme:hello",
        "twin": "acme:hello",
        "torn": "torn:x",
        "leaves": "leaves:x",
        "odd": "acme:COUNT",
    }
    sources = {
        "acme": COMMANDS + "COUNT = 3\n",
        "torn": "1 / 0",
        "leaves": "raise SystemExit(0)",
    }
    install(tmp_path, "acme", {"commands": named}, sources)
    install(tmp_path, "other-things", {"commands": {"twin": "acme:hello"}}, version="2.0")
    return tmp_path


def test_commands_of_other_packages_are_listed_without_importing_them(packages: Path) -> None:
    ended = run_python(packages, "-m", "dlcv", "--help")
    assert re.search(r"^  hello +Says hello\.$", ended.stdout, re.MULTILINE)
    assert re.search(r"^  odd +\(of acme\)$", ended.stdout, re.MULTILINE)
    assert re.search(r"^  run +Train a network", ended.stdout, re.MULTILINE)
    assert not (packages / "imported").exists()


def test_commands_of_other_packages_run(packages: Path) -> None:
    for name in ("hello", "acme.hello", "acme.run", "other_things.twin"):
        ended = run_python(packages, "-m", "dlcv", name)
        assert (ended.stdout, ended.stderr, ended.returncode) == ("hello\n", "", 0)


@pytest.mark.parametrize("name", ["run", "report"])
def test_a_command_that_ships_keeps_its_name(packages: Path, name: str) -> None:
    helped = run_python(packages, "-m", "dlcv", name, "--help")
    assert "Says hello" not in helped.stdout
    listed = run_python(packages, "-m", "dlcv", "plugins", "list", "command", name, "--json")
    states = {
        row["distribution"]: (row["state"], row["reason"]) for row in json.loads(listed.stdout)
    }
    assert states == {"acme": ("shadowed", f"use acme.{name}"), "dlcv": ("available", "")}


def test_a_command_of_two_packages_is_an_error_when_it_is_used(packages: Path) -> None:
    ended = run_python(packages, "-m", "dlcv", "twin")
    assert ended.stderr == (
        'dlcv: command "twin" is claimed by acme 1.0 and other-things 2.0; '
        "write acme.twin or other_things.twin\n"
    )
    assert ended.returncode == 2


def test_a_disabled_command_is_neither_listed_nor_run(packages: Path) -> None:
    helped = run_python(packages, "-m", "dlcv", "--help", DLCV_DISABLE="command:hello")
    assert not re.search(r"^  hello ", helped.stdout, re.MULTILINE)
    ended = run_python(packages, "-m", "dlcv", "hello", DLCV_DISABLE="acme")
    assert ended.stderr == 'dlcv: command "hello" of acme 1.0 is disabled by DLCV_DISABLE\n'
    assert ended.returncode == 2
    assert not (packages / "imported").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("torn", "ZeroDivisionError: division by zero"),
        ("leaves", "SystemExit: 0"),
        ("odd", "it is no click command"),
    ],
)
def test_a_broken_command_of_another_package_is_one_line(
    packages: Path, name: str, reason: str
) -> None:
    ended = run_python(packages, "-m", "dlcv", name)
    assert ended.stderr == f'dlcv: command "{name}" of acme 1.0 is broken: {reason}\n'
    assert ended.returncode == 2


def modules_after(folder: Path, program: str, *arguments: str) -> set[str]:
    """Returns the names of the packages that a program imported; it prints them as JSON."""
    ended = run_python(folder, "-c", program, *arguments)
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout.splitlines()[-1]))

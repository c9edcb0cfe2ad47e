"""The documentation is true: its commands and programs run, and its tables are up to date.

A page's blocks run in order, in a folder with `photos/` (classes daisy, rose, tulip) and `new/`
(images to predict), in a virtual environment of their own, so that they may install packages.

- ```console: lines after `$ ` are commands; what follows is what they print, `...` standing for
  anything. A command that prints `dlcv: ` and a reason exits with 2, others with 0. Those that
  need no shell but for a pipe run forked (see `forked.py`).
- ```python: a program; the blocks of a page share their names. A ```text block right after it is
  what it prints.
- `<!-- file: NAME -->` before a block: it is the content of that file.
- `<!-- not run: REASON -->` before a block: it is not run.

Pages that begin with the same `dlcv run` share it: it runs on the first of them, and the others
get a copy of the folder that it left.
"""

import ast
import contextlib
import functools
import hashlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import attrs
import click
import cv2
import numpy as np
import pytest
from forked import dlcv

from dlcv import registry
from dlcv.cli.main import dlcv as program
from dlcv.config import RunConfig
from dlcv.runs.experiment import make_steps

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>file|not run): (?P<argument>.+?) -->\n+)?"
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@attrs.frozen
class Block:
    """A block of a page.

    Attributes:
        language: What it is written in.
        text: Its content.
        line: Where it is, for people.
        file: The file that it is the content of, if it is one.
        is_run: Whether it is to be run.
    """

    language: str
    text: str
    line: int
    file: str
    is_run: bool


def blocks(page: Path) -> list[Block]:
    """Returns a page's blocks."""
    text = page.read_text()
    return [
        Block(
            m["language"],
            m["text"],
            text[: m.start("language")].count("\n") + 1,
            m["argument"] if m["mark"] == "file" else "",
            m["mark"] is None,
        )
        for m in BLOCK.finditer(text)
    ]


WITH_PICTURES = ("first-run", "report", "resume-a-run")
"""Pages about what a run draws; on others it draws no curves and writes no report."""
SLOW = (
    "augment", "auto", "bring-your-data", "choose-a-network", "ci-for-models", "compare",
    "divide-your-data", "ensembles", "evaluate-on-crops", "export", "find-a-learning-rate",
    "look-inside", "pack-a-data-set", "preview-augmentation", "repeat-a-run", "report",
    "reproduce-a-figure", "resume-a-run", "run-a-recipe", "search", "track-runs",
    "train-in-stages", "write-each-kind",
)  # fmt: skip
"""Pages whose commands take long, and whose promises other tests hold as well."""
ON_PHOTOGRAPHS = ("flowers",)
"""Pages that run on real photographs, of which the environment variable DLCV_TEST_DATA tells."""
WITH_EXAMPLES = [
    pytest.param(
        page,
        id=str(page.relative_to(DOCS)),
        marks=[pytest.mark.slow, pytest.mark.timeout(1200)]
        if page.stem in (*SLOW, *ON_PHOTOGRAPHS)
        else [],
    )
    for page in PAGES
    if any(b.is_run and b.language in ("console", "python") for b in blocks(page))
]


@pytest.fixture(scope="session")
def left_behind(tmp_path_factory) -> Path:
    """Where `Shell` keeps what each `dlcv run` left."""
    return tmp_path_factory.mktemp("left")


@pytest.fixture
def page_folder(tmp_path_factory, monkeypatch) -> Path:
    """The folder of a page: the same one for all, since runs hold the path of their data."""
    folder = tmp_path_factory.getbasetemp() / "page"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_images(folder)
    return folder


@pytest.mark.parametrize("page", WITH_EXAMPLES)
def test_examples_of_page_run(page, page_folder, bin_folder, left_behind, monkeypatch, request):
    monkeypatch.setenv("PATH", str(bin_folder), prepend=os.pathsep)
    monkeypatch.syspath_prepend(page_folder)
    if page.stem in ON_PHOTOGRAPHS:
        photographs = request.getfixturevalue("real_data") / "flowers12"
        shutil.copytree(photographs / "train", "flowers")
        shutil.copytree(photographs / "test", "later")
    names = {"__name__": "__main__"}
    shell = Shell(bin_folder, left_behind, has_pictures=page.stem in WITH_PICTURES)
    page_blocks = blocks(page)
    for block, following in zip(page_blocks, [*page_blocks[1:], None], strict=True):
        where = f"{page.relative_to(ROOT)}:{block.line}"
        if block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.text)
        elif block.is_run and block.language == "console":
            run_commands(block.text, where, shell)
        elif block.is_run and block.language == "python":
            printed = run_program(block.text, where, names)
            if following is not None and following.language == "text":
                compare(following.text, printed, where)


def run_commands(text: str, where: str, shell: "Shell") -> None:
    """Runs the commands of a block and compares what they print."""
    assert text.startswith("$ "), f"{where}: a console block begins with a command"
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = re.sub(r"\\\n", "", part).partition("\n")
        done = shell.run(command)
        code = 2 if re.search("^dlcv: ", expected, re.MULTILINE) else 0
        assert done.returncode == code, f"{where}: {command}\n{done.stdout}"
        if expected.strip():
            compare(expected, done.stdout, f"{where}: {command}")


FORKED = re.compile(
    r"""(?:(?P<first>[^|"]+) \| )?"""
    r"""dlcv (?P<arguments>(?:[^|&;<>$`*?"']|"[^"$`\\]*"|'[^']*')+)"""
)
"""A call of `dlcv`, behind a pipe or not, with nothing else that a shell has to do."""


@attrs.frozen
class Shell:
    """Runs the commands of a page.

    Attributes:
        bin_folder: The commands of the page's environment.
        left_behind: A folder with what each `dlcv run` left, for pages that begin with the same.
        has_pictures: Whether runs draw their curves and write their reports.
    """

    bin_folder: Path
    left_behind: Path
    has_pictures: bool = attrs.field(kw_only=True)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command, or copies the folder that it left on another page."""
        if not command.startswith("dlcv run ") or self._packages():
            return self._run(command)
        here = Path.cwd()
        kept = self.left_behind / self._key(command, here)
        if kept.exists():
            shutil.copytree(kept / "folder", here, symlinks=True, dirs_exist_ok=True)
            return subprocess.CompletedProcess(command, 0, (kept / "printed").read_text())
        done = self._run(command)
        if done.returncode == 0:
            shutil.copytree(here, kept / "folder", symlinks=True)
            (kept / "printed").write_text(done.stdout)
        return done

    def _key(self, command: str, folder: Path) -> str:
        """Returns a name for the command on the files that there are."""
        digest = hashlib.sha256(repr((shlex.split(command), self.has_pictures)).encode())
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(folder)}\0{content}\0".encode())
        return digest.hexdigest()

    def _run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command, in a shell if it needs one."""
        bash = functools.partial(subprocess.run, stdout=subprocess.PIPE, check=False)
        if (found := FORKED.fullmatch(command)) is None:
            return bash(["bash", "-c", command], stderr=subprocess.STDOUT, text=True)
        given = bash(["bash", "-c", found["first"]]).stdout if found["first"] else b""
        return dlcv(
            *shlex.split(found["arguments"]),
            packages=self._packages(),
            given=given,
            has_pictures=self.has_pictures,
            is_merged=True,
            timeout=1200,  # A page's own limit is pytest's.
        )

    def _packages(self) -> list[Path]:
        """Returns the folder of packages of the page's environment, if any were installed there."""
        folder = packages_of(self.bin_folder.parent)
        return [folder] if {path.name for path in folder.iterdir()} != {"outer.pth"} else []


def run_program(text: str, where: str, names: dict[str, object]) -> str:
    """Runs a block of Python and returns what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, where, "exec"), names)
    return printed.getvalue()


def compare(expected: str, printed: str, where: str) -> None:
    """Compares what is printed with what a page says, in which `...` stands for anything."""
    pattern = ".*".join(re.escape(p) for p in _tidy(expected).split("..."))
    if not re.fullmatch(pattern, _tidy(printed), re.DOTALL):
        pytest.fail(f"{where}\nthe page says:\n{expected}\nit is:\n{printed}", pytrace=False)


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


@pytest.fixture
def bin_folder(tmp_path_factory) -> Path:
    """The commands of a virtual environment that sees all packages of the one that runs tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    outer = sysconfig.get_path("purelib")
    (packages_of(folder) / "outer.pth").write_text(f"import site; site.addsitedir({outer!r})\n")
    python = folder / "bin" / "python"
    # The packages that installing needs are there, and nothing is to be fetched.
    offline = '[ "$1" = install ] && set -- "$@" --no-build-isolation --no-deps --no-index --quiet'
    scripts = {"dlcv": "", "pytest": "", "pip": offline}
    for name, first in scripts.items():
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\n{first}\nexec {python} -m {name} "$@"\n')
        script.chmod(0o755)
    return folder / "bin"


def packages_of(environment: Path) -> Path:
    """Returns where a virtual environment has its packages."""
    base = str(environment)
    return Path(sysconfig.get_path("purelib", vars={"base": base, "platbase": base}))


def write_images(folder: Path) -> None:
    """Writes images of three classes that differ in color, of many sizes."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(("tulip", "daisy", "rose")):
        for number in range(14):
            height, width = rng.integers(40, 64, 2)
            image = rng.integers(0, 80, (height, width, 3), np.uint8)
            image[..., label] += 120
            path = folder / "photos" / name / f"{number:02d}.jpg"
            path = folder / "new" / f"{name}.jpg" if number > 11 else path
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), image)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_commands_that_are_not_run_have_these_options(page):
    text = "".join(b.text for b in blocks(page) if b.language == "console" and not b.is_run)
    lines = re.findall(r"^\$ (.+)$", text.replace("\\\n", ""), re.MULTILINE)
    if page.stem == "README":
        lines = re.findall(r"^(dlcv .+)$", page.read_text(), re.MULTILINE)
    for line in lines:
        for call in re.findall(r"(?:^|[;&]|\bdo) *(?:\w+=\S* +)*dlcv ([^;&]*)", line):
            parse(shlex.split(call))


def parse(words: list[str]) -> None:
    """Raises an error of click if a command, or an option of it, does not exist."""
    command: click.Command = program
    context = click.Context(program, info_name="dlcv")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        found = command.get_command(context, name)
        assert found is not None, f"no command {name}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    options, _, _ = command.make_parser(context).parse_args(words)
    recipe = options.get("config")
    assert not recipe or "." in recipe or recipe in RECIPES, f"no recipe {recipe}"


def test_each_extra_is_described():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (table,) = re.findall(
        r"^\| extra \|.*?\n\n", (DOCS / "how-to/install.md").read_text(), re.M | re.S
    )
    described = set(
        re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.strip().splitlines()))
    )
    assert described == set(project["optional-dependencies"])


SPEC = re.compile(
    r"""--(?P<flag>arch|preproc|schedule|eval|groups|classifier) ("[^"]+"|'[^']+'|[\w.(),=]+)"""
)
KINDS = {
    "arch": "architecture", "preproc": "preprocessor", "schedule": "schedule", "eval": "evaluator",
    "groups": "grouping", "classifier": "classifier",
}  # fmt: skip
OPEN = re.compile(r"\.\.\.|\$|^[A-Z]|PLUGIN|posterise|acme")
"""What a reader has to fill in, or installs first."""


def test_specs_that_are_not_run_name_plugins_and_their_options():
    found = set()
    for page in [*PAGES, ROOT / "README.md"]:
        text = re.sub(
            r"^```console\n.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL
        )
        not_run = [b.text for b in blocks(page) if b.language == "console" and not b.is_run]
        found |= {
            (flag, spec.strip("\"'")) for flag, spec in SPEC.findall("".join([text, *not_run]))
        }
    assert len(found) > 60
    for flag, spec in sorted(found):
        if not OPEN.search(spec):
            registry.create_list(KINDS[flag], re.sub(r"\bauto$", "scale", spec))


RECIPES = {path.stem for path in (ROOT / "examples" / "recipes").glob("*.toml")}


def test_each_recipe_is_in_a_table_of_a_page_about_its_source():
    pages = {page.stem: page.read_text() for page in (DOCS / "literature").glob("*.md")}
    del pages["index"]
    missing = {
        name for name in RECIPES if not any(f"| `{name}` |" in text for text in pages.values())
    }
    assert missing == set()


PUBLIC = {
    "dlcv", "dlcv.api", "dlcv.errors", "dlcv.files", "dlcv.images", "dlcv.interfaces",
    "dlcv.registry", "dlcv.testing",
}  # fmt: skip
"""What people may import; everything else may change at any time."""


OURS = ("dlcv", "dlcv_plugins")


def test_examples_import_nothing_private():
    programs = {page: [b.text for b in blocks(page) if b.language == "python"] for page in PAGES}
    programs |= {path: [path.read_text()] for path in (ROOT / "examples").rglob("*.py")}
    assert len(programs) > len(PAGES)
    imported = {
        (path.name, name)
        for path, texts in programs.items()
        for text in texts
        for node in ast.walk(ast.parse(text))
        for name in _modules(node)
    }
    ours = {(path, name) for path, name in imported if name.partition(".")[0] in OURS}
    assert len(ours) > 20
    assert {(path, name) for path, name in ours if name not in PUBLIC} == set()


def _modules(node: ast.AST) -> list[str]:
    """Returns the modules that a statement imports from."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


CONFIGURATIONS = [
    pytest.param(block.text, id=f"{page.name}:{block.line}")
    for page in PAGES
    for block in blocks(page)
    if block.language == "toml" and not {"pyproject.toml", "mistyped.toml"} & {block.file}
]


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_configuration_on_page_can_be_used(text):
    from dlcv_plugins.training.compiling import make_optimizer

    config = RunConfig.from_table(tomllib.loads(text), "the page")
    architecture = registry.create("architecture", config.architecture)
    make_steps(config.preprocessors, architecture)
    registry.create_list("evaluator", config.evaluators)
    for stage in config.stages:
        schedule = registry.create("schedule", stage.schedule)
        make_optimizer(stage.optimizer, schedule, stage.epochs, steps_per_epoch=1)


def test_generated_parts_are_up_to_date():
    done = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_block_is_found():
    for page in PAGES:
        runnable = [b for b in blocks(page) if b.language in ("console", "python", "text")]
        fences = re.findall(r"^```(?:console|python|text)$", page.read_text(), re.MULTILINE)
        assert len(runnable) == len(fences), f"{page}: a block is not closed, or badly marked"

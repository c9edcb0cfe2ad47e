"""The files of a package with a plugin of any kind, which installs and passes its tests."""

import importlib.metadata
import keyword
import re
from datetime import date
from pathlib import Path
from string import Template

import attrs

from dlcv import files, registry
from dlcv.errors import DlcvError, listing, suggestion
from dlcv_plugins.storage import atomic_folder

HERE = Path(__file__).parent
MODULES = {
    "preprocessor": "posterise",
    "store": "npz",
    "architecture": "tinynet",
    "schedule": "halving",
    "evaluator": "certainty",
    "grouping": "day",
    "classifier": "naive_bayes",
    "executor": "processes",
    "exporter": "keras_file",
    "check": "dark",
    "section": "surest",
    "tracker": "json_lines",
    "trainer": "best_rate",
    "command": "best",
    "hook": "hooks",
    "family": "family",
}
"""The module in `modules` that a package of each kind begins with."""
FURTHER_MODULES = {"family": ("factors",)}
"""Those that it has besides."""
TESTS = {
    "store": "test_store", "command": "test_command", "hook": "test_hook", "family": "test_family",
}  # fmt: skip
"""The tests in `texts` of the kinds whose plugins are not simply made; others share one."""
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""The names of distributions that are the same in every form that tools give them."""
DEFINITION = re.compile(r"^(?:@plugin\nclass|@click\.command\(\)\ndef) (\w+)", re.MULTILINE)


@attrs.frozen
class NewPackage:
    """A package that is not written so far.

    Attributes:
        kind: The kind of its plugin, or `command`, `hook` or `family`.
        distribution: Its name, such as `dlcv-tinyvit`.
        name: What users write for the plugin, such as `tinyvit`.
    """

    kind: str
    distribution: str
    name: str

    @classmethod
    def named(cls, kind: str, distribution: str) -> "NewPackage":
        """Returns the package of a kind and a name.

        Raises:
            DlcvError: there is no such kind, the name can't be used, or it is taken.
        """
        if kind not in MODULES:
            hint = suggestion(kind, MODULES) or listing("there are", MODULES)
            raise DlcvError(f'no kind of plugin "{kind}"{hint}')
        name = distribution.removeprefix("dlcv-").replace("-", "_")
        if not NAME.fullmatch(distribution) or keyword.iskeyword(name) or name[:1].isdigit():
            raise DlcvError(
                f'"{distribution}" is no name for a package and a plugin; use small letters, '
                "digits and single dashes, and begin with a letter: dlcv-tinyvit"
            )
        if distribution in {(d.name or "").lower() for d in importlib.metadata.distributions()}:
            raise DlcvError(f"{distribution} is installed already; choose another name")
        if any(d.distribution == "dlcv" for d in registry.descriptors(kind, name)):
            raise DlcvError(
                f'the {kind} "{name}" ships with dlcv, and its name means that one; choose another'
            )
        return cls(kind, distribution, name)

    @property
    def shown_name(self) -> str:
        """What users write: commands have dashes."""
        return self.name.replace("_", "-") if self.kind == "command" else self.name

    @property
    def look(self) -> str:
        """The rest of `dlcv plugins`, which shows it."""
        if self.kind not in registry.INTERFACES:
            return f"list {self.kind} {self.shown_name}"
        return f"show {self.name}"

    @property
    def module(self) -> str:
        """The module's name."""
        return self.distribution.replace("-", "_")

    def write(self, folder: Path) -> list[Path]:
        """Writes the package's files into a folder of its own, which may not exist.

        Returns:
            The files, relative to the folder.

        Raises:
            DlcvError: the folder exists, or can't be written.
        """
        files.refuse_existing(folder, force=False)
        contents = self.contents()
        with atomic_folder(folder, force=False) as temporary:
            for place, content in contents.items():
                path = temporary / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
        return [Path(place) for place in contents]

    def contents(self) -> dict[str, str]:
        """Returns the text of each file by its place in the package's folder."""
        source = _source(MODULES[self.kind])
        found = DEFINITION.search(source)
        cls = self.name if self.kind == "command" else self.name.title().replace("_", "")
        if found:
            source = re.sub(rf"\b{found[1]}\b(?=[(:])", cls, source)
        values = {
            "distribution": self.distribution,
            "kind": self.kind,
            "article": "An" if self.kind[0] in "aeiou" else "A",
            "name": self.shown_name,
            "module": self.module,
            "cls": cls,
            "group": registry.group_of(self.kind),
            "target": f"{self.module}:{cls}" if found else self.module,
            "summary": _summary(source, found is not None),
            "look": self.look,
            "year": str(date.today().year),
            "versions": _versions(importlib.metadata.version("dlcv")),
        }
        test = TESTS.get(self.kind, "test_plugin")
        texts = {
            "pyproject.toml": "pyproject.toml.txt",
            "README.md": "README.md",
            "LICENSE": "LICENSE",
            ".github/workflows/test.yml": "workflow.yml",
            f"tests/test_{self.name}.py": f"{test}.py.txt",
        }
        written = {
            place: Template((HERE / "texts" / text).read_text(encoding="utf-8")).substitute(values)
            for place, text in texts.items()
        }
        modules = {f"{name}.py": _source(name) for name in FURTHER_MODULES.get(self.kind, ())}
        package = {"__init__.py": source, **modules, "py.typed": ""}
        return {**written, **{f"{self.module}/{name}": text for name, text in package.items()}}


def _source(module: str) -> str:
    return (HERE / "modules" / f"{module}.py").read_text(encoding="utf-8")


def _versions(installed: str) -> str:
    """Returns the requirement of releases that keep to the interfaces of the installed one."""
    major, minor = map(int, installed.split(".")[:2])
    return f">={major}.{minor},<{f'0.{minor + 1}' if major == 0 else major + 1}"


def _summary(source: str, has_definition: bool) -> str:
    """Returns the first line of the docstring of what is defined, or of the module."""
    found = re.findall(r'"""(.+?)"""', source)
    text = found[1] if has_definition else found[0]
    return text[:1].lower() + text[1:]

"""What is used where nothing is named: data, network and more, which packages choose.

A package names itself under the entry-point group `dlcv.defaults`; its file `defaults.toml` is read
when a default is asked for. The core chooses none.
"""

import functools
import tomllib
from pathlib import Path

import attrs

from dlcv.errors import DlcvError, suggestion
from dlcv.packages import OWN, entry_points, is_disabled, module_file, origin

FILE = "defaults.toml"
CURES = {
    "data": "name a data set with --data",
    "architecture": "name a network with --arch",
    "evaluators": "name evaluators with --eval",
    "optimizer": "name an optimizer with --optimizer",
    "schedule": "name a schedule with --schedule",
    "trainer": "name a trainer with --trainer",
    "groups": "name groupings with --groups",
    "value_steps": "name preprocessors with --preproc",
    "resize": "add a preprocessor that resizes",
    "more_evaluators": "",
    "commands": "",
}
"""The defaults that a package may choose, and what a user can do who has none."""
TABLES = ("checkpoints", "examples", "other_options", "tracker_flags", "uses")
"""Those that hold texts by name."""


def default(name: str) -> str:
    """Returns the default of a name in `CURES`.

    The one that ships with dlcv goes first; what it leaves open, another package may choose.

    Raises:
        DlcvError: no package chooses one, several choose different ones, or a file is wrong.
    """
    found = default_or_none(name)
    if found is None:
        raise DlcvError(f"{CURES[name]}; no default is installed")
    return found


def default_or_none(name: str) -> str | None:
    """Returns what `default` does, None if no package chooses one."""
    chosen = [d for d in _installed() if name in d.values]
    if not chosen:
        return None
    first = chosen[0]
    others = [d for d in chosen if d.values[name] != first.values[name]]
    if others and first.distribution != OWN:
        raise DlcvError(
            f"{first.distribution} and {others[0].distribution} choose different defaults for "
            f"{name}; {CURES.get(name) or 'remove one of them'}"
        )
    return first.values[name]


def tracker_flags() -> dict[str, str]:
    """Returns the trackers that packages give a flag of `dlcv run` to, by the flag's name.

    `NAME = true` in a configuration is then the same as naming the tracker in `trackers`.
    """
    return _table("tracker_flags")


def checkpoints() -> dict[str, str]:
    """Returns the names of checkpoints that packages know, with what each means."""
    return _table("checkpoints")


def text_of(table: str, name: str) -> str:
    """Returns a text of a table, empty if no package has it: examples, names of other tools."""
    try:
        return default_or_none(f"{table}.{name}") or ""
    except DlcvError:
        return ""


def _table(name: str) -> dict[str, str]:
    """Returns the texts of a table in all packages; those that ship with dlcv go first."""
    return {
        key.removeprefix(f"{name}."): value
        for defaults in reversed(_installed())
        for key, value in defaults.values.items()
        if key.startswith(f"{name}.")
    }


@attrs.frozen
class _Defaults:
    """What one package chooses."""

    distribution: str
    values: dict[str, str]


@functools.cache
def _installed() -> tuple[_Defaults, ...]:
    """Returns the defaults of all packages, those that ship with dlcv first."""
    named = []
    for entry_point in entry_points("dlcv.defaults"):
        distribution = origin(entry_point)[0]
        if not is_disabled(distribution, f"defaults:{entry_point.name}"):
            named.append((distribution, entry_point.value))
    named.sort(key=lambda pair: (pair[0] != OWN, pair))
    return tuple(_Defaults(distribution, _read(module)) for distribution, module in named)


def _read(module: str) -> dict[str, str]:
    package = module_file(module)
    path = Path(FILE) if package is None else package.with_name(FILE)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DlcvError(f"the defaults of {module} can't be read: {error}") from None
    known = (*CURES, *TABLES)
    for name in content:
        if name not in known:
            raise DlcvError(f'{path}: unknown key "{name}"{suggestion(name, known)}')
    for table in TABLES:
        content |= {f"{table}.{name}": text for name, text in content.pop(table, {}).items()}
    for name, value in content.items():
        if not isinstance(value, str):
            raise DlcvError(f"{path}: {name}: expected a text, received {value!r}")
    return content

"""Checks of what all plugins have in common.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import get_ident
from typing import Any
from unittest import mock

from dlcv.errors import PluginError
from dlcv.interfaces import Plugin, options_of
from dlcv.registry import KINDS, registry
from dlcv.testing import Check
from dlcv_plugins.testing.processes import run_python

HEAVY = (
    "keras", "tensorflow", "jax", "torch", "sklearn", "scipy", "pandas", "matplotlib", "cv2",
    "skimage", "onnx",
)  # fmt: skip
"""What takes long to import."""
FILE_EVENTS = ("open", "os.listdir", "os.scandir", "socket.connect", "subprocess.Popen")
"""Python's audit events of touching the world outside the process."""
LONGEST_SUMMARY = 100


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for all plugins; those of a package's own kind have no specs."""
    common: tuple[Check, ...] = (
        check_summary_is_a_sentence,
        check_options_are_documented,
        check_import_is_light,
        check_construction_only_stores_options,
        check_equal_options_make_equal_plugins,
    )
    return (*common, check_spec_parses_back) if cls.kind in KINDS else common


def check_summary_is_a_sentence(plugin: Plugin) -> None:
    """The docstring's first line is the summary that `dlcv plugins show` prints."""
    cls = type(plugin)
    lines = (vars(cls).get("__doc__") or "").strip().splitlines()
    assert lines, f"{cls.__name__} has no docstring of its own; its first line is the summary"
    summary = lines[0]
    is_sentence = summary[0].isupper() and summary.endswith(".")
    assert is_sentence, (
        f'the summary of {cls.__name__} is no sentence: "{summary}"; '
        "begin it with a capital and end it with a full stop, on the docstring's first line"
    )
    assert len(summary) <= LONGEST_SUMMARY, (
        f"the summary of {cls.__name__} has {len(summary)} characters; "
        f"keep to {LONGEST_SUMMARY} and put the rest below"
    )


def check_options_are_documented(plugin: Plugin) -> None:
    """Help pages show each option's help as a phrase: no capital, no full stop."""
    for option in options_of(type(plugin)).values():
        assert option.help.strip(), f"the option {option.name} has no help"
        assert not option.help.endswith("."), (
            f'the help of {option.name} is a phrase, without a full stop: "{option.help}"'
        )


def check_import_is_light(plugin: Plugin) -> None:
    """A plugin's module is imported to list its options, which must not take seconds."""
    heavy = _heavy_imports_of(type(plugin).__module__)
    assert not heavy, (
        f"importing {type(plugin).__module__} imports {', '.join(heavy)}; "
        "import them in the functions that use them"
    )


def check_construction_only_stores_options(plugin: Plugin) -> None:
    """Plugins are made to be listed, compared and recorded, often without being used."""
    cls, options = type(plugin), plugin.options()
    with _touched() as events, _missing(HEAVY):
        try:
            made = cls(**options)
        except ImportError as error:
            raise AssertionError(f"making a {cls.__name__} imports too much: {error}") from None
    assert not events, f"making a {cls.__name__} does more than store options: {events[0]}"
    assert made.options() == options, (
        f"{cls.__name__} changes its options: {options} became {made.options()}"
    )


def check_equal_options_make_equal_plugins(plugin: Plugin) -> None:
    """Runs are compared by their plugins."""
    other = type(plugin)(**plugin.options())
    assert other == plugin, (
        f"two {type(plugin).__name__} with the same options differ; leave __eq__ to @plugin"
    )
    assert hash(other) == hash(plugin), (
        f"two equal {type(plugin).__name__} have different hashes; leave __hash__ to @plugin"
    )


def check_spec_parses_back(plugin: Plugin) -> None:
    """A run's record holds plugins as text, and is read again to resume or predict."""
    with _registered(plugin):
        text = str(registry.spec_of(plugin))
        again = registry.create(plugin.kind, text)
    assert again == plugin, f"{plugin} is written as {text}, which reads as {again}"


@functools.cache
def _heavy_imports_of(module: str) -> list[str]:
    """Returns which heavy libraries a new process has loaded after importing a module."""
    code = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = run_python(code)
    assert done.returncode == 0, f"a new process can't import {module}:\n{done.stderr.decode()}"
    return done.stdout.decode().split()


@contextmanager
def _missing(names: tuple[str, ...]) -> Iterator[None]:
    """Makes imports of modules fail, also of those that are loaded already."""
    loaded = [m for m in sys.modules if m.partition(".")[0] in names]
    with mock.patch.dict(sys.modules, dict.fromkeys([*names, *loaded])):
        yield


_recordings: dict[int, list[str]] = {}


@contextmanager
def _touched() -> Iterator[list[str]]:
    """Gives a list to which is added what this thread touches outside the process."""
    _install_audit_hook()
    recording: list[str] = []
    _recordings[get_ident()] = recording
    try:
        yield recording
    finally:
        del _recordings[get_ident()]


@functools.cache
def _install_audit_hook() -> None:
    # Python keeps an audit hook until the process ends, so there is one, silent most of the time.
    def record(event: str, arguments: tuple[Any, ...]) -> None:
        if event in FILE_EVENTS and (recording := _recordings.get(get_ident())) is not None:
            recording.append(f"{event}{arguments}")

    sys.addaudithook(record)


def _registered(plugin: Plugin) -> Any:
    """Registers a plugin's class for the length of a block, unless it is registered."""
    try:
        registry.descriptor_of(plugin)
    except PluginError:
        return registry.register(plugin.kind, "checked_plugin", type(plugin))
    return nullcontext()

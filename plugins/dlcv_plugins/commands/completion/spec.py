"""What may follow in a text that names plugins: their names, their options, and some values."""

import re
import typing
from collections.abc import Iterator
from typing import Any, Literal

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.interfaces import Option, Plugin, options_of

OPENED = re.compile(r"([\w.]+)\s*\($")


def continuations(kind: str, text: str) -> Iterator[tuple[str, str]]:
    """Yields whole texts that begin with a text, and what each adds in words, if that is known.

    `mean, pa` becomes `mean, patch`; `patch(si` becomes `patch(size=`.

    Args:
        kind: The kind of the plugins that the text names.
        text: What is written so far.
    """
    start, calls = _open_calls(text)
    written = text[start:].lstrip()
    before = text[: len(text) - len(written)]
    option = None
    for name, options in calls:
        known = _options(kind, name)
        *_, last = re.split(r",\s*", options)
        named, has_value, _ = last.partition("=")
        option = known.get(named.strip()) if has_value else None
        if option is None:
            used = set(re.findall(r"(\w+)\s*=", options))
            for each in known.values():
                if each.name.startswith(written) and each.name not in used:
                    yield f"{before}{each.name}=", each.help
            return
        kind = next(_kinds(option.type), "")
    values = _names(kind) if kind else _choices(option.type if option else None)
    for value, words in values:
        if value.startswith(written):
            yield before + value, words


def _open_calls(text: str) -> tuple[int, list[tuple[str, str]]]:
    """Returns where the last word begins, and the calls around it, each with its options so far."""
    starts: list[tuple[str, int]] = []
    start = 0
    for at, character in enumerate(text):
        if character == "(":
            found = OPENED.search(text[: at + 1])
            starts.append((found[1] if found else "", at + 1))
        elif character == ")" and starts:
            starts.pop()
        if character in "(,=":
            start = at + 1
    ends = [*(begin for _, begin in starts), len(text)][1:]
    return start, [(name, text[begin:end]) for (name, begin), end in zip(starts, ends, strict=True)]


def _names(kind: str) -> Iterator[tuple[str, str]]:
    """Yields the names of a kind, with what families tell of theirs."""
    for each in registry.descriptors(kind):
        if not each.is_disabled:
            yield registry.registry.usable_name(each), each.summary


def _options(kind: str, name: str) -> dict[str, Option]:
    try:
        return options_of(registry.get(kind, name))
    except DlcvError:
        return {}


def _kinds(annotation: Any) -> Iterator[str]:
    """Yields the kinds of the plugins that an option's type asks for."""
    if isinstance(annotation, type) and issubclass(annotation, Plugin):
        yield annotation.kind
    for argument in typing.get_args(annotation):
        yield from _kinds(argument)


def _choices(annotation: Any) -> Iterator[tuple[str, str]]:
    """Yields the values that an option's type names one by one."""
    if annotation is bool:
        yield from (("True", ""), ("False", ""))
    elif typing.get_origin(annotation) is Literal:
        yield from ((str(value), "") for value in typing.get_args(annotation))
    else:
        for argument in typing.get_args(annotation):
            yield from _choices(argument)

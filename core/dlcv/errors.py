"""Messages of one line: expected errors, and the wording that they share."""

import difflib
import json
import os
import re
from collections.abc import Callable, Iterable
from typing import Any

GARBLING = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line breaks, changes of the writing direction, bytes that are no text."""


class DlcvError(Exception):
    """An expected error: its message says what was wrong, where, and what to do.

    The command line prints the message as one line and exits with code 2.
    """


class SpecError(DlcvError):
    """A text that names a plugin can't be read, or names something that does not exist.

    Attributes:
        problem: What is wrong.
        position: Where in the text it is wrong, as ` at column 7 of "..."`; empty if unknown.
        hint: What was probably meant, as `; did you mean "mean"?`; empty if nothing comes near.
        kind: The kind of the plugin that it is about; empty if it is about none.
        name: The plugin's name, as it was written.
    """

    def __init__(
        self, problem: str, *, position: str = "", hint: str = "", kind: str = "", name: str = ""
    ) -> None:
        super().__init__(f"{problem}{position}{hint}")
        self.problem = problem
        self.position = position
        self.hint = hint
        self.kind = kind
        self.name = name


class UnknownPluginError(SpecError):
    """No installed package offers a plugin of this kind and name."""

    def __init__(
        self, kind: str, name: str, *, problem: str = "", position: str = "", hint: str = ""
    ) -> None:
        problem = problem or f'unknown {kind} "{name}"'
        super().__init__(problem, position=position, hint=hint, kind=kind, name=name)


class PluginError(DlcvError):
    """A plugin can't be imported, breaks its interface, or shares its name with another."""


class WriteError(DlcvError, OSError):
    """A file can't be written; its message names the file, what is kept, and how to go on."""

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno


class ImageError(DlcvError):
    """An image can't be read or processed.

    Attributes:
        reason: What is wrong with the image, without its name.
        index: The position of the image in the batch that was processed, where known.
    """

    def __init__(self, reason: str, *, name: str = "", index: int | None = None) -> None:
        super().__init__(f"{name}: {reason}" if name else reason)
        self.reason = reason
        self.index = index


def from_here(text: str) -> str:
    """Returns a text whose paths below the working directory begin there, as they can be typed."""
    try:
        here = os.path.join(os.getcwd(), "")
    except OSError:  # It was removed.
        return text
    # A name that begins with a dash would be taken for an option.
    if here == "/" or here not in text:
        return text
    return re.sub(rf"(?<![\w./~-]){re.escape(here)}(?=[^\s/-])", "", text)


def printable(text: str) -> str:
    """Returns a text in one line, without what garbles a terminal or what no font can draw.

    Names of files and classes may hold line breaks, control characters, and bytes that are no text.
    """
    return GARBLING.sub("\N{REPLACEMENT CHARACTER}", text)


def is_utf8(text: str) -> bool:
    """Returns whether a text can be written as UTF-8: some names of files can't."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def json_text(content: Any, default: Callable[[Any], Any] | None = None) -> str:
    """Returns JSON in indented lines, with escapes for what garbles a terminal or is no UTF-8.

    A name of a file that is not UTF-8 is read back as the same name.

    Args:
        content: What `json.dumps` takes.
        default: Turns what JSON doesn't know into what it does.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, default=default)
    # Line breaks between items are the only ones in it: JSON itself escapes those in texts.
    return GARBLING.sub(lambda m: m[0] if m[0] == "\n" else f"\\u{ord(m[0]):04x}", text)


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """Returns `; did you mean "x"?` with the nearest candidates, or an empty text."""
    near = difflib.get_close_matches(name, list(dict.fromkeys(candidates)), n=3, cutoff=0.6)
    if not near:
        return ""
    return "; did you mean " + " or ".join(f'"{n}"' for n in near) + "?"


def listing(introduction: str, names: Iterable[str]) -> str:
    """Returns `; there are a, b, c`, shortened where they are many."""
    shown = some(names, most=20)
    return f"; {introduction} {shown}" if shown else "; there are none"


def first_line(error: BaseException) -> str:
    """Returns an error's type and the first line of its message."""
    return f"{type(error).__name__}: {error}".split("\n")[0]


def reason_of(error: BaseException) -> str:
    """Returns the first line of an error's message, or the error's type where it has none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


def count(number: int, singular: str, plural: str = "") -> str:
    """Returns a number with its noun: `1 image`, `2,000 images`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def some(names: Iterable[object], most: int = 5) -> str:
    """Returns names separated by commas; of more than `most`, the first ones and the number."""
    listed = [str(name) for name in names]
    more = f", ... ({len(listed):,} in all)" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more

"""One grammar for everything that names a plugin: Python's call syntax, parsed and never run.

`patch(size=227)`, `fc_head(base=vgg16(weights=imagenet), units=256)`, `mean, patch(size=32)`
"""

import ast
import json
import keyword
import math
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import attrs

from dlcv.errors import SpecError

UNQUOTED = re.compile(
    r"""(\w+)\s*=\s*(?=[^\s"'(),=]*[A-Za-z])([^\s"'(),=]*[/\\~][^\s"'(),]*|[A-Za-z_][\w.]*-[\w.-]*)"""
)
"""An option whose value has what neither names nor numbers have, such as `path=cats/train`."""
LONGEST_TEXT = 10_000
DEEPEST_NESTING = 20
SURROGATES = re.compile("[\ud800-\udfff]")


@attrs.frozen
class Spec:
    """A plugin's name and options, before either was looked up.

    Attributes:
        name: A plugin's public name, or `distribution.name`.
        options: Values by option name: numbers, texts, None, tuples of these, and specs; a bare
            word is a spec without options until an option's type tells what it is.
        source: The text that it was read from.
        columns: Where in `source` each option stands, counted from 1; under "" the name itself.
    """

    option_type_name: ClassVar[str] = "a plugin's name with options"

    name: str
    options: Mapping[str, Any] = attrs.field(factory=dict)
    source: str = attrs.field(default="", eq=False, repr=False)
    columns: Mapping[str, int] = attrs.field(factory=dict, eq=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Spec":
        """Reads one plugin from a text; raises `SpecError` with the position of what is wrong."""
        specs = SpecList.parse(text)
        if len(specs) != 1:
            raise SpecError(f'expected one name, received {len(specs)} in "{text}"')
        return specs[0]

    @classmethod
    def from_option(cls, value: object) -> "Spec":
        """Reads an option's value: a text, or a spec as it is."""
        if isinstance(value, Spec):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        raise ValueError(f"expected {cls.option_type_name}, received {value!r}")

    def __str__(self) -> str:
        """Returns the canonical text, which parses back to this spec."""
        if not self.options:
            return self.name
        return f"{self.name}({', '.join(f'{k}={write(v)}' for k, v in self.options.items())})"

    def at(self, option: str = "") -> str:
        """Returns where the name, or an option, stands in the text: ` at column 7 of "..."`."""
        if option not in self.columns:
            return ""
        return f' at column {self.columns[option]} of "{self.source}"'


class SpecList(tuple[Spec, ...]):
    """Several specs, separated by commas where written as text."""

    option_type_name: ClassVar[str] = "names with options, separated by commas"

    @classmethod
    def parse(cls, text: str) -> "SpecList":
        """Reads plugins separated by commas; raises `SpecError` with the position of a mistake."""
        source = _one_line(text)
        if not source:
            return cls()
        tree = _tree(source)
        nodes = tree.elts if isinstance(tree, ast.Tuple) else [tree]
        return cls(_plugin(node, source) for node in nodes)

    @classmethod
    def from_option(cls, value: object) -> "SpecList":
        """Reads an option's value: a text, or a list of texts and specs."""
        if isinstance(value, str):
            return cls.parse(value)
        if isinstance(value, list | tuple):
            return cls(Spec.from_option(v) for v in value)
        raise ValueError(f"expected {cls.option_type_name}, received {value!r}")

    def __str__(self) -> str:
        """Returns the canonical text, which parses back to this list."""
        return ", ".join(map(str, self))


def parse_value(text: str) -> Any:
    """Reads one option's value, such as `0.1` or `(48, 64)`; raises `SpecError`."""
    source = _one_line(text)
    return _value(_tree(source), source, depth=0)


def write(value: object) -> str:
    """Returns an option's value in the grammar."""
    if isinstance(value, tuple | list):
        inner = ", ".join(map(write, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, str):
        # What JSON escapes, it escapes as Python does. No file holds a half of a surrogate pair,
        # which a byte of a file's name that is not UTF-8 is here.
        text = json.dumps(value, ensure_ascii=False)
        return SURROGATES.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
    return str(value)


def bare_or_text(text: str) -> "Spec | str":
    """Returns a text as the bare word that it can be written as, else as it is."""
    # Python reads a name in Unicode's normal form, which would change some texts: an fi-ligature.
    is_bare = text.isidentifier() and not keyword.iskeyword(text)
    return Spec(text) if is_bare and unicodedata.is_normalized("NFKC", text) else text


def written(value: object) -> str:
    """Returns an option's value as people write it in a spec."""
    if isinstance(value, str | os.PathLike):
        value = bare_or_text(os.fspath(value))
    return write(value)


def lower(value: object, create: Callable[[Spec], object] | None) -> object:
    """Turns the specs in an option's value into what the option's type expects.

    Args:
        value: A value as a spec holds it.
        create: Makes a plugin from a spec; None where the option takes no plugin, and then a spec
            must be a bare word, which is a text.

    Raises:
        ValueError: the value has options where a text is expected.
    """
    if isinstance(value, tuple):
        return tuple(lower(v, create) for v in value)
    if not isinstance(value, Spec):
        return value
    if create is not None:
        return create(value)
    if value.options:
        raise ValueError(f"expected a value, received {value}")
    return value.name


def _one_line(text: str) -> str:
    """Returns a text without line breaks; raises `SpecError` if it is too long."""
    if len(text) > LONGEST_TEXT:
        raise SpecError(f"a text of {len(text)} characters is too long (at most {LONGEST_TEXT})")
    return text.replace("\r", " ").replace("\n", " ").strip()


def _tree(source: str) -> ast.expr:
    """Returns Python's syntax tree of a text in one line."""
    try:
        tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        column = f" at column {error.offset}" if error.offset else ""
        raise SpecError(f'can\'t read "{source}": {error.msg}{column}{_quotes(source)}') from None
    except (RecursionError, MemoryError):
        raise SpecError(f'can\'t read "{source[:60]}...": it is nested too deep') from None
    except ValueError as error:
        raise SpecError(f'can\'t read "{source}": {error}') from None
    # Python passes over a comment, and with it over all that follows in the line.
    rest = source.encode()[tree.end_col_offset :].decode()
    if "#" in rest:
        at = len(source) - len(rest) + rest.index("#") + 1
        raise SpecError(f'a comment can\'t be used at column {at} of "{source}"')
    return tree


def _plugin(node: ast.expr, source: str) -> Spec:
    """Reads a node that must be a plugin: a name, or a call of one with keywords only."""
    value = _value(node, source, depth=0)
    if not isinstance(value, Spec):
        raise _refused("expected a plugin's name", node, source)
    return value


def _value(node: ast.expr, source: str, depth: int) -> Any:
    if depth > DEEPEST_NESTING:
        raise _refused(f"nested more than {DEEPEST_NESTING} deep", node, source)
    match node:
        case ast.Constant(value=bool() | int() | str() | None as value):
            return value
        case ast.Constant(value=float() as value):
            if not math.isfinite(value):
                raise _refused("a number that is not finite", node, source)
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float()) as operand) if (
            not isinstance(operand.value, bool)
        ):
            return -_value(operand, source, depth)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return tuple(_value(element, source, depth + 1) for element in elements)
        case ast.Name() | ast.Attribute():
            return _spec(node, [], source, depth)
        case ast.Call(func=function, args=[], keywords=keywords):
            return _spec(function, keywords, source, depth)
        case ast.Call(args=[argument, *_]):
            raise _refused("options need a name, as in name(size=32)", argument, source)
    quotes = _quotes(source)
    raise _refused("expected a name, a number, a quoted text or a tuple", node, source, quotes)


def _quotes(source: str) -> str:
    """Returns how to write the first option whose value looks like a path without quotes."""
    found = UNQUOTED.search(source)
    return f'; a text such as a path needs quotes: {found[1]}="{found[2]}"' if found else ""


def _spec(node: ast.expr, keywords: list[ast.keyword], source: str, depth: int) -> Spec:
    match node:
        case ast.Name(id=name):
            pass
        case ast.Attribute(value=ast.Name(id=distribution), attr=attribute):
            name = f"{distribution}.{attribute}"
        case _:
            raise _refused("expected a plugin's name", node, source)
    options: dict[str, Any] = {}
    columns = {"": _column(node, source)}
    for option, item in _named(keywords, source):
        if option in options:
            raise _refused(f'option "{option}" is given twice', item, source)
        options[option] = _value(item.value, source, depth + 1)
        columns[option] = _column(item, source)
    return Spec(name, options, source, columns)


def _named(keywords: list[ast.keyword], source: str) -> Iterator[tuple[str, ast.keyword]]:
    for item in keywords:
        if item.arg is None:
            raise _refused("** can't be used", item.value, source)
        yield item.arg, item


def _column(node: ast.expr | ast.keyword, source: str) -> int:
    # ast counts UTF-8 bytes; people count characters.
    return len(source.encode()[: node.col_offset].decode()) + 1


def _refused(reason: str, node: ast.expr | ast.keyword, source: str, hint: str = "") -> SpecError:
    return SpecError(f'{reason} at column {_column(node, source)} of "{source}"{hint}')

"""The grammar: what it reads, what it refuses and where, and that it reads what it writes."""

import keyword
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dlcv.errors import SpecError
from dlcv.registry.spec import (
    DEEPEST_NESTING,
    LONGEST_TEXT,
    Spec,
    SpecList,
    bare_or_text,
    lower,
    parse_value,
    write,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mean", Spec("mean")),
        ("  mean  ", Spec("mean")),
        ("mean()", Spec("mean")),
        ("(mean)", Spec("mean")),
        ("mean,", Spec("mean")),
        ("acme_vision.resnet(width=2)", Spec("acme_vision.resnet", {"width": 2})),
        ("patch(size=227)", Spec("patch", {"size": 227})),
        ("patch(size=227,)", Spec("patch", {"size": 227})),
        ("patch(\n  size=227,\r\n  fill=0)", Spec("patch", {"size": 227, "fill": 0})),
        ("a(b=-1)", Spec("a", {"b": -1})),
        ("a(b=-0.5)", Spec("a", {"b": -0.5})),
        ("a(b=1e-3)", Spec("a", {"b": 0.001})),
        ("a(b=None)", Spec("a", {"b": None})),
        ("a(b=word)", Spec("a", {"b": Spec("word")})),
        ("a(b='it''s # quoted, (x=1)')", Spec("a", {"b": "its # quoted, (x=1)"})),
        ('a(b="C:\\\\data")', Spec("a", {"b": "C:\\data"})),
        ("a(b=())", Spec("a", {"b": ()})),
        ("a(b=(1,))", Spec("a", {"b": (1,)})),
        ("a(b=(1))", Spec("a", {"b": 1})),
        ("a(b=[1, (2, 3)])", Spec("a", {"b": (1, (2, 3))})),
        ("a(b=(c, d(e=1)))", Spec("a", {"b": (Spec("c"), Spec("d", {"e": 1}))})),
        ("größe(höhe=1)", Spec("größe", {"höhe": 1})),
        (
            "fc_head(base=vgg16(weights=imagenet), units=256)",
            Spec(
                "fc_head",
                {"base": Spec("vgg16", {"weights": Spec("imagenet")}), "units": 256},
            ),
        ),
    ],
)
def test_one_plugin_is_read(text: str, expected: Spec) -> None:
    assert typed(Spec.parse(text)) == typed(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n ", []),
        ("mean", ["mean"]),
        ("mean,patch", ["mean", "patch"]),
        ("mean,\n  patch(size=32),\n  scale,\n", ["mean", "patch(size=32)", "scale"]),
        ("mean,\r\npatch", ["mean", "patch"]),
        ("(mean, patch)", ["mean", "patch"]),
    ],
)
def test_several_plugins_are_separated_by_commas(text: str, expected: list[str]) -> None:
    assert [str(spec) for spec in SpecList.parse(text)] == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("patch(size=3, size=4)", 'option "size" is given twice at column 15 of'),
        ("größe(é=1, é=2)", 'option "é" is given twice at column 12 of'),
        ("a(b='é', c=1e999)", "a number that is not finite at column 12 of"),
        ("a(b=-1e999)", "a number that is not finite at column 6 of"),
        ("patch(32)", "options need a name, as in name(size=32) at column 7 of"),
        ("patch(*sizes)", "options need a name, as in name(size=32) at column 7 of"),
        ("patch(**sizes)", "** can't be used at column 9 of"),
        ("a(b=lambda: 1)", "expected a name, a number, a quoted text or a tuple at column 5 of"),
        ("a(b=f'{x}')", "expected a name, a number, a quoted text or a tuple at column 5 of"),
        ("a(b=b'x')", "expected a name, a number, a quoted text or a tuple at column 5 of"),
        ("a(b=1j)", "expected a name, a number, a quoted text or a tuple at column 5 of"),
        ("a(b=...)", "expected a name, a number, a quoted text or a tuple at column 5 of"),
        ("a(b=-True)", "expected a name, a number, a quoted text or a tuple at column 5 of"),
        ("a(b=+1)", "expected a name, a number, a quoted text or a tuple at column 5 of"),
        ("a(b=1 + 1)", "expected a name, a number, a quoted text or a tuple at column 5 of"),
        ("a(b={'c': 1})", "expected a name, a number, a quoted text or a tuple at column 5 of"),
        ("a(b=[x for x in y])", "expected a name, a number, a quoted text or a tuple at column 5"),
        ("a(b=c[0])", "expected a name, a number, a quoted text or a tuple at column 5 of"),
        ("a, 3", "expected a plugin's name at column 4 of"),
        ("'mean'", "expected a plugin's name at column 1 of"),
        ("[mean]", "expected a plugin's name at column 1 of"),
        ("None", "expected a plugin's name at column 1 of"),
        ("a.b.c", "expected a plugin's name at column 1 of"),
        ("a(b=1)(c=2)", "expected a plugin's name at column 1 of"),
        ("mean # , patch", "a comment can't be used at column 6 of"),
        ("é, # the mean\npatch", "a comment can't be used at column 4 of"),
        ("a(b=1", "'(' was never closed at column 2"),
        ("a b", "invalid syntax at column 3"),
        ("é(à=1, ü=@)", "at column 10"),
        ("a(class=1)", "invalid syntax at column 3"),
        ("import os", "invalid syntax at column 1"),
        ("a\0", "null bytes"),
        ("a(b='\ud800')", "surrogates not allowed"),
        ("a(b=9" + "9" * 4400 + ")", "Exceeds the limit"),
        ("-" * 9000 + "1", "it is nested too deep"),
        ("a" + ".b" * 3000, '"a.b.b.b.b.b'),  # Too deep to be read, or, from Python 3.13, no name.
        ("(" * 5000, "too many nested parentheses"),
        ("a" * (LONGEST_TEXT + 1), f"too long (at most {LONGEST_TEXT})"),
    ],
    ids=lambda text: text[:30].encode("ascii", "backslashreplace").decode(),
)
def test_a_bad_text_is_refused_with_the_position(text: str, problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        SpecList.parse(text)
    assert problem in str(caught.value)


def test_errors_quote_the_text() -> None:
    with pytest.raises(SpecError, match=r'at column 7 of "patch\(32\)"$'):
        SpecList.parse(" patch(32) ")


@pytest.mark.parametrize(("text", "count"), [("", 0), ("mean, patch", 2)])
def test_one_plugin_must_be_exactly_one(text: str, count: int) -> None:
    with pytest.raises(SpecError, match=f"expected one name, received {count}"):
        Spec.parse(text)


@pytest.mark.parametrize("opening", ["a(b={})", "a(b=({},))"])
def test_nesting_has_a_limit(opening: str) -> None:
    def nested(depth: int) -> str:
        return "x" if depth == 0 else opening.format(nested(depth - 1))

    levels = DEEPEST_NESTING // opening.count("(")
    assert Spec.parse(nested(levels)).name == "a"
    with pytest.raises(SpecError, match=f"nested more than {DEEPEST_NESTING} deep"):
        Spec.parse(nested(levels + 1))


@pytest.mark.parametrize(
    "text",
    [
        "a(b=open('evaluated', 'w'))",
        "open('evaluated', 'w')",
        "a(b=__import__('pathlib').Path('evaluated').touch())",
        "a(b=[open('evaluated', 'w') for _ in '1'])",
        "a(b=f\"{open('evaluated', 'w')}\")",
        "open(file=evaluated, mode=w)",
    ],
)
def test_nothing_is_evaluated(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if text == "open(file=evaluated, mode=w)":
        assert Spec.parse(text).name == "open"
    else:
        with pytest.raises(SpecError):
            Spec.parse(text)
    assert not list(tmp_path.iterdir())


def test_a_spec_knows_where_its_options_stand() -> None:
    mean, patch = SpecList.parse("größe, patch(size=32, fill=mean(of='é'), edge=0)")
    assert mean.at() == f' at column 1 of "{mean.source}"'
    assert patch.at() == f' at column 8 of "{mean.source}"'
    assert patch.at("edge") == f' at column 42 of "{mean.source}"'
    assert patch.options["fill"].at() == f' at column 28 of "{mean.source}"'
    assert patch.options["fill"].at("of") == f' at column 33 of "{mean.source}"'
    assert patch.at("unknown") == ""


# Names are in Unicode's normal form NFKC, as Python reads them.
words = st.sampled_from(["size", "b", "_x1", "größe", "名前", "match", "print"]) | st.from_regex(
    r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True
).filter(lambda word: not keyword.iskeyword(word))
names = words | st.tuples(words, words).map(".".join)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | names.map(Spec)
)


def specs_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Spec]:
    return st.builds(Spec, names, st.dictionaries(words, values, max_size=4))


values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4).map(tuple) | specs_of(inner),
    max_leaves=8,
)
specs = specs_of(values)


@given(specs)
@example(Spec("a", {"b": "quotes ' \" and \\ and \n \r \t \0 \x7f \x85 \u2028 #"}))
@example(Spec("a", {"b": "d\udce9"}))
@example(Spec("a", {"b": (((),), (1,), -0.0, 1e22, 5e-324, -(10**30))}))
def test_what_is_written_reads_back_to_itself(spec: Spec) -> None:
    assert typed(Spec.parse(str(spec))) == typed(spec)
    assert Spec.parse(str(spec)) == spec
    assert str(Spec.parse(str(spec))) == str(spec)
    str(spec).encode()


@given(st.lists(specs, max_size=4))
def test_a_written_list_reads_back_to_itself(listed: list[Spec]) -> None:
    read = SpecList.parse(str(SpecList(listed)))
    assert [typed(spec) for spec in read] == [typed(spec) for spec in listed]


@given(texts)
@example("ﬁ")  # a ligature that is an identifier, which Python would read as "fi"
@example("None")
@example("lambda")
@example("a b")
def test_any_text_comes_back_from_its_shortest_form(text: str) -> None:
    spec = Spec.parse(str(Spec("a", {"b": bare_or_text(text)})))
    assert lower(spec.options["b"], None) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3", 3), ("0.5", 0.5), ("48, 64", (48, 64)), ("(48, 64)", (48, 64)), ("None", None)],
)
def test_a_single_value_is_read(text: str, expected: Any) -> None:
    assert typed(parse_value(text)) == typed(expected)


@pytest.mark.parametrize("text", ["", "3)", "3, x=4", "3), a(b=4", "3 # x", "x" * 10_001])
def test_a_single_value_ends_with_its_text(text: str) -> None:
    with pytest.raises(SpecError):
        parse_value(text)


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (Spec.from_option, "a(b=1)", "a(b=1)"),
        (Spec.from_option, Spec("a"), "a"),
        (SpecList.from_option, "a, b", "a, b"),
        (SpecList.from_option, ["a(c=1)", Spec("b")], "a(c=1), b"),
    ],
)
def test_options_take_texts_and_specs(
    read: Callable[[Any], Any], value: Any, expected: str
) -> None:
    assert str(read(value)) == expected


@pytest.mark.parametrize("read", [Spec.from_option, SpecList.from_option])
def test_options_take_nothing_else(read: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match=r"expected .*name.*, received 3"):
        read(3)


def test_a_bare_word_is_a_text_where_no_plugin_is_expected() -> None:
    assert lower((Spec("word"), 1, "text"), None) == ("word", 1, "text")
    with pytest.raises(ValueError, match=r"expected a value, received vgg16\(weights=imagenet\)"):
        lower(Spec.parse("vgg16(weights=imagenet)"), None)


def test_a_list_is_written_like_a_tuple() -> None:
    assert [write(value) for value in ([1], (1,), [], [1, "a"])] == [
        "(1,)",
        "(1,)",
        "()",
        '(1, "a")',
    ]


def typed(value: Any) -> Any:
    """Returns a value in a form in which 1, 1.0 and True, and 0.0 and -0.0, are not equal."""
    if isinstance(value, Spec):
        return ("spec", value.name, {k: typed(v) for k, v in value.options.items()})
    if isinstance(value, tuple):
        return ("tuple", [typed(v) for v in value])
    return (type(value).__name__, repr(value))


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("folder(path=cats/train)", 'path="cats/train"'),
        ("folder(path=/data/x)", 'path="/data/x"'),
        ("folder(path = ../x, color_mode=rgb)", 'path="../x"'),
        ("csv(path=my-list.csv)", 'path="my-list.csv"'),
    ],
)
def test_a_path_without_quotes_is_shown_with_them(text, quoted):
    with pytest.raises(SpecError) as caught:
        Spec.parse(text)
    assert str(caught.value).endswith(f"; a text such as a path needs quotes: {quoted}")


@pytest.mark.parametrize("text", ["patch(size=24/2)", "sgd(rate=1e-3x)", "scale(factor=-)"])
def test_what_is_no_path_is_not_to_be_quoted(text):
    with pytest.raises(SpecError) as caught:
        Spec.parse(text)
    assert "quotes" not in str(caught.value)

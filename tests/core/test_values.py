"""Reading values as types: nothing is coerced in silence."""

from pathlib import Path
from typing import Any, Literal, Optional, Union

import numpy as np
import pytest

from dlcv.interfaces.options import check_type, read_value, show, type_name


class Celsius:
    """A type that reads itself."""

    option_type_name = "a temperature"

    @classmethod
    def from_option(cls, value: Any) -> float:
        if not str(value).endswith("C"):
            raise ValueError("a temperature ends with C, as in 20C")
        return float(str(value)[:-1])


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (3, int, 3),
        (3, float, 3.0),
        (2**53, float, 2.0**53),
        (True, bool, True),
        ("false", str, "false"),
        ("data/x", Path, Path("data/x")),
        (Path("x"), Path, Path("x")),
        ([1, 2], tuple[int, ...], (1, 2)),
        ((), tuple[int, ...], ()),
        ([1, 2], tuple[float, ...], (1.0, 2.0)),
        ([[1, 2], [3, 4]], tuple[tuple[int, int], ...], ((1, 2), (3, 4))),
        ("area", Literal["area", "linear"], "area"),
        (None, int | None, None),
        (3, Optional[int], 3),  # noqa: UP045 (both spellings are allowed)
        (3, Union[int, str], 3),  # noqa: UP007
        (3, int | tuple[int, int] | None, 3),
        ([3, 4], int | tuple[int, int] | None, (3, 4)),
        # A union keeps a value that one of its members has already.
        (1, float | int, 1),
        (1.0, int | float, 1.0),
        ("x", Path | str, "x"),
        (3, Any, 3),
        ("20C", Celsius, 20.0),
        (np.int64(3), int, 3),
        (np.int64(3), float | int, 3),
        (np.float32(0.5), float, 0.5),
        (np.float64(3.5), float | int, 3.5),
        (np.bool_(True), bool, True),
        (np.str_("area"), Literal["area"], "area"),
        ((np.int64(1), np.int64(2)), tuple[int, int], (1, 2)),
    ],
)
def test_a_value_is_read(value: Any, annotation: Any, expected: Any) -> None:
    read = read_value(value, annotation)
    assert read == expected
    assert type(read) is type(expected)
    if isinstance(expected, tuple):
        assert list(map(type, read)) == list(map(type, expected))


@pytest.mark.parametrize(
    ("value", "annotation", "message"),
    [
        (3.7, int, "expected int, received 3.7"),
        (3.0, int, "expected int, received 3.0"),
        (True, int, "expected int, received True"),
        ("3", int, 'expected int, received "3"'),
        (True, float, "expected float, received True"),
        ("0.1", float, 'expected float, received "0.1"'),
        (float("nan"), float, "expected float, received nan"),
        (float("inf"), float, "expected float, received inf"),
        (2**53 + 1, float, "expected float, received 9007199254740993"),
        (10**400, float, "expected float, received 1000"),
        ("false", bool, 'expected True or False, received "false"'),
        (0, bool, "expected True or False, received 0"),
        (None, bool, "expected True or False, received None"),
        (3, str, "expected str, received 3"),
        (b"x", str, "expected str, received b'x'"),
        (3, Path, "expected Path, received 3"),
        ("ab", tuple[str, ...], 'expected (str, ...), received "ab"'),
        (3, tuple[int, ...], "expected (int, ...), received 3"),
        ((1,), tuple[int, int], "expected (int, int), received (1,)"),
        ((1, 2.5), tuple[int, int], "expected int, received 2.5"),
        ("cubic", Literal["area", "linear"], 'expected area or linear, received "cubic"'),
        (True, Literal[1, 2], "expected 1 or 2, received True"),
        (1.5, int | None, "expected int or None, received 1.5"),
        (True, float | int, "expected float or int, received True"),
        ((1, 2.5), int | tuple[int, int], "expected int or (int, int), received (1, 2.5)"),
        ("20F", Celsius, "a temperature ends with C, as in 20C"),
        ("20F", Celsius | None, 'expected a temperature or None, received "20F"'),
        (np.float64(3), int, "expected int, received 3.0"),
        (np.array([1, 2]), int, r"expected int, received [1 2]"),
        (np.array([1, 2]), Literal["a"], r"expected a, received [1 2]"),
        (np.array([1, 2]), tuple[int, ...], r"expected (int, ...), received [1 2]"),
    ],
)
def test_another_type_is_refused_in_words(value: Any, annotation: Any, message: str) -> None:
    with pytest.raises(ValueError, match=r"received|ends with") as caught:
        read_value(value, annotation)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (type(None), "None"),
        (int | tuple[int, int] | None, "int or (int, int) or None"),
        (tuple[float, ...], "(float, ...)"),
        (Literal["channel", "pixel"], "channel or pixel"),
        (Celsius, "a temperature"),
        (Path, "Path"),
    ],
)
def test_types_are_named_for_people(annotation: Any, text: str) -> None:
    assert type_name(annotation) == text


@pytest.mark.parametrize(
    "annotation", [list[int], dict[str, int], tuple[list[int], ...], set[int] | None]
)
def test_types_that_no_text_can_express_are_refused(annotation: Any) -> None:
    with pytest.raises(TypeError, match=r"can't have the type .*; use tuple"):
        check_type(annotation)


@pytest.mark.parametrize(
    "annotation", [int, Any, Celsius, Literal["a"], tuple[int | None, ...] | None]
)
def test_types_that_options_can_have_pass_the_check(annotation: Any) -> None:
    assert check_type(annotation) is annotation


@pytest.mark.parametrize(
    ("value", "shown"),
    [("x", '"x"'), (3, "3"), ("y" * 100, '"' + "y" * 76 + "..."), ("y" * 78, '"' + "y" * 78 + '"')],
)
def test_errors_quote_texts_and_cut_long_ones(value: Any, shown: str) -> None:
    assert show(value) == shown

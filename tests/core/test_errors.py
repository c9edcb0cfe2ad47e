"""Errors: one line, with what was meant."""

import json

import pytest

from dlcv.errors import DlcvError, ImageError, from_here, json_text, printable, suggestion


@pytest.mark.parametrize(
    ("name", "candidates", "expected"),
    [
        ("meen", ["mean", "patch"], '; did you mean "mean"?'),
        ("cosin", ["cosine", "cosine2", "poly"], '; did you mean "cosine" or "cosine2"?'),
        ("zzz", ["mean", "patch"], ""),
        ("mean", [], ""),
    ],
)
def test_the_nearest_names_are_suggested(name: str, candidates: list[str], expected: str) -> None:
    assert suggestion(name, candidates) == expected


@pytest.mark.parametrize(
    "text",
    ["caf\u00e9", "\u6f22\u5b57", "a\u00a0b", "\u0645\u06cc\u200c", "\U0001f469\u200d\U0001f52c"],
)
def test_text_of_any_language_is_printed_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("character", ["\x1b", "\n", "\x7f", "\x9b", "\u2028", "\u202e", "\udce9"])
def test_what_garbles_a_terminal_is_replaced(character: str) -> None:
    assert printable(f"a{character}b") == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize("character", ["\x1b", "\n", "\x7f", "\x9b", "\u2028", "\u202e", "\udce9"])
def test_json_escapes_what_garbles_a_terminal(character: str) -> None:
    content = {f"é{character}": [f"漢{character}"]}
    text = json_text(content)
    assert character not in text.replace("\n", "") or character == "\n"
    assert "é" in text
    text.encode()
    assert json.loads(text) == content


def test_an_image_error_knows_its_reason_and_its_place() -> None:
    error = ImageError("is empty", name="photos/a.png", index=3)
    assert str(error) == "photos/a.png: is empty"
    assert (error.reason, error.index) == ("is empty", 3)
    assert str(ImageError("is empty")) == "is empty"
    assert isinstance(error, DlcvError)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}/a b/c.jpg: is empty", "a b/c.jpg: is empty"),
        ('folder(path="{}/photos"), {}/x', 'folder(path="photos"), x'),
        # Neither the folder itself, nor one below another root, nor what would be an option.
        ("{}: is a folder, /mnt{}/x, {}/-x.jpg, {}2/x", None),
    ],
)
def test_paths_are_as_they_are_typed_from_the_working_directory(
    text, expected, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    given = text.replace("{}", str(tmp_path))
    assert from_here(given) == (given if expected is None else expected)

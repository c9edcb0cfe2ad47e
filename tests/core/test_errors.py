"""Errors: one line, with what was meant."""

import pytest

from dlcv.errors import DlcvError, ImageError, suggestion


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


def test_an_image_error_knows_its_reason_and_its_place() -> None:
    error = ImageError("is empty", name="photos/a.png", index=3)
    assert str(error) == "photos/a.png: is empty"
    assert (error.reason, error.index) == ("is empty", 3)
    assert str(ImageError("is empty")) == "is empty"
    assert isinstance(error, DlcvError)

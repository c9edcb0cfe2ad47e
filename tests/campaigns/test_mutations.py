"""A few changed files of most kinds, at every run of the tests."""

import random
from pathlib import Path

import pytest
from mutations import changed, ending
from targets import TARGETS

NUMBER = 8
KINDS = (
    "image jpeg", "image png", "image webp", "image tiff", "image gif", "image jpeg2000",
    "image png, chunks", "packed set", "hdf5 of others", "csv", "tiny_imagenet", "skops", ".pth",
    ".safetensors", "spec", "environment", "cache of summaries",
)  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_a_changed_file_ends_in_an_answer_or_in_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLCV_MAX_IMAGE_PIXELS", "4000000")
    monkeypatch.setenv("DLCV_CACHE", str(tmp_path))
    target, made = TARGETS[name], tmp_path / "made"
    made.mkdir()
    paths = target.make(made)
    expected = {path: target.use(path) for path in paths}
    for number in range(NUMBER):
        chance = random.Random(f"{name} {number}")
        path = chance.choice(paths)
        copy = changed(target, path, tmp_path / "changed", chance)
        assert ending(target, copy, expected[path]) in ("whole", "refused"), f"change {number}"

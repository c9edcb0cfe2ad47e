"""The page about the architecture is true: the journeys that it describes are those of the code."""

import gc
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import CO_OPTIMIZED
from pathlib import Path

import cv2
import numpy as np
import pytest
from written_runs import predicted, write_run

from dlcv import registry

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
STOP = re.compile(r"^\d+\. `(?P<path>[^`]+\.py)`, `(?P<function>[^`]+)`", re.MULTILINE)
ALWAYS_BESIDE = {
    "core/dlcv/__init__.py",
    "core/dlcv/api.py",
    "core/dlcv/errors.py",
    "core/dlcv/files.py",
    "core/dlcv/interfaces/base.py",
    "core/dlcv/interfaces/options.py",
    "core/dlcv/registry/owners.py",
}
"""What every journey may call: names of the core, options, names for messages, whole files."""


def journey(title: str) -> tuple[list[tuple[str, str]], set[str]]:
    """Returns the stops of a journey, and the files beside its way."""
    text = re.split(r"^###? ", PAGE.partition(f"### {title}\n")[2], flags=re.MULTILINE)[0]
    stops = [(match["path"], match["function"]) for match in STOP.finditer(text)]
    beside = set(re.findall(r"`([^`]+\.py)`", text.partition("Beside the way:")[2]))
    return stops, beside


@contextmanager
def calls() -> Iterator[list[tuple[str, str]]]:
    """Collects the functions of dlcv that are called, in the order of their first calls."""
    called: dict[tuple[str, str], None] = {}

    def note(frame, event, _):
        code = frame.f_code
        # The body of a module or class is no function.
        if event == "call" and code.co_flags & CO_OPTIMIZED:
            path = Path(code.co_filename)
            if path.is_relative_to(ROOT / "core") or path.is_relative_to(ROOT / "plugins"):
                called[str(path.relative_to(ROOT)), code.co_qualname] = None

    found: list[tuple[str, str]] = []
    # What other tests left behind must not be cleaned up on the way.
    gc.collect()
    gc.disable()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        gc.enable()
        found += called


def check(
    title: str, most: int, travel: Callable[[], object], *, names_all_files: bool = True
) -> None:
    """Compares a journey on the page with the functions that are called.

    Args:
        title: The heading on the page.
        most: The largest number of files that a reader should have to open.
        travel: Makes the journey.
        names_all_files: Whether the page names all files whose functions are called.
    """
    stops, beside = journey(title)
    travel()  # What is imported and read once a process is no part of the journey.
    with calls() as called:
        travel()
    assert 0 < len(stops) <= most
    assert [stop for stop in called if stop in stops] == stops
    if not names_all_files:
        return
    files = {path for path, _ in called if path.endswith(".py")}
    assert files - ALWAYS_BESIDE == ({path for path, _ in stops} | beside) - ALWAYS_BESIDE


def test_journey_from_an_image_file_to_the_networks_input(tmp_path):
    from dlcv.config import SplitConfig
    from dlcv.data.fitting import fit_to_input
    from dlcv.data.loader import Loader
    from dlcv.data.sources import find_store, open_dataset
    from dlcv_plugins.training.feed import Feed

    pixels = np.random.default_rng(0).integers(0, 256, (12, 2, 20, 30, 3), np.uint8)
    for name, images in zip(("daisy", "rose"), pixels.swapaxes(0, 1), strict=True):
        (tmp_path / name).mkdir()
        for i, image in enumerate(images):
            cv2.imwrite(str(tmp_path / name / f"{i}.jpg"), image)
    steps = [registry.create("preprocessor", "aspect_aware")]
    pipeline, _ = fit_to_input(steps, (None, None, 3), input_size=(16, 16), default_size=(16, 16))
    sized = pipeline.with_sizes((16, 16))
    store = find_store(str(tmp_path))

    def travel() -> None:
        data = open_dataset(store, SplitConfig(), look=False)
        loader = Loader(data.splits["train"], sized, batch_size=4, threads=1, seed=0)
        with Feed(loader, 0, 1) as feed:
            assert feed[0][0].shape == (4, 16, 16, 3)

    check("From an image file to the network's input", 9, travel)


def test_journey_from_a_specs_text_to_an_instance():
    check(
        "From a spec's text to an instance",
        4,
        lambda: registry.create("preprocessor", "patch(size=32)"),
    )


@pytest.mark.usefixtures("with_pictures")
def test_journey_from_probabilities_to_a_figure_in_the_report(tmp_path):
    from dlcv.runs.load import load
    from dlcv.runs.observers import Observers
    from dlcv.runs.results import write_results

    predictions = predicted([True, True, False, True], "1234")
    evaluators = registry.create_list("evaluator", "confusion, classification_report")
    path = write_run(
        tmp_path / "run",
        predictions=predictions,
        evaluators="confusion, classification_report",
        sections="confused_classes",
    )
    run = load(path)

    def travel() -> None:
        run.results = write_results(
            run.directory, predictions, evaluators, split="test", seconds=1.0
        )
        Observers(run.config).finished(run)
        assert 'class="cells large"' in run.directory.report.read_text()

    # A run's directory, its files and the registry are not listed: every page needs them.
    title = "From probabilities to a figure in the report"
    check(title, 10, travel, names_all_files=False)

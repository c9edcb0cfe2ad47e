"""`dlcv predict`: the classes of images."""

import codecs
import csv
import io
import itertools
import logging
import math
import os
import re
import sys
import time
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from dlcv.cli.commands import CommandWithExamples
from dlcv.cli.console import table, with_verbosity
from dlcv.cli.options import added_options, checkpoints_option, config_options, pixel_steps_option
from dlcv.config import RunConfig
from dlcv.errors import DlcvError, ImageError, json_text, printable
from dlcv.interfaces import Combination

if TYPE_CHECKING:
    from dlcv.runs.prediction import Prediction

logger = logging.getLogger(__name__)
STANDARD_INPUT = "standard input"


@click.command(cls=CommandWithExamples)
@click.argument("paths", nargs=-1, required=True, type=Path, metavar="RUN... IMAGE...")
@click.option(
    "--top", type=click.IntRange(min=1), default=1, show_default=True,
    help="How many classes to print for each image.",
)  # fmt: skip
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=0.0,
    help="Answer unknown where no class is as probable.",
)  # fmt: skip
@pixel_steps_option
@checkpoints_option
@click.option(
    "--method",
    type=click.Choice(typing.get_args(Combination)),
    help="How several networks are combined.  [default: as the run was evaluated, else mean]",
)
@config_options(RunConfig, "bad_images")
@click.option("--json", "forms", flag_value="json", multiple=True, help="Print JSON: a list.")
@click.option("--csv", "forms", flag_value="csv", multiple=True, help="Print CSV: a row an image.")
@added_options("predict")
@with_verbosity
def predict(
    paths: tuple[Path, ...],
    top: int,
    threshold: float,
    preprocessors: str | None,
    checkpoint: str,
    method: Combination | None,
    bad_images: str | None,
    forms: tuple[str, ...],
) -> None:
    """Predict the most probable classes of images: files, folders, patterns, or a video's frames.

    IMAGE may be -, for an image from the standard input, or for a path a line, or after each a
    zero byte as `find -print0` writes it. Several runs predict together.
    """
    from dlcv.runs.inputs import expand_paths
    from dlcv.runs.load import is_predictor, load

    if len(set(forms)) > 1:
        raise DlcvError("--json and --csv: choose one")
    runs = [*itertools.takewhile(is_predictor, paths)] or paths[:1]
    given = paths[len(runs) :]
    predictor = load(*runs, checkpoint=checkpoint, method=method)
    if not given:
        raise DlcvError("there are no images to predict; name files or folders after the run")
    if late := next(filter(is_predictor, given), None):
        raise DlcvError(f"{late} is no folder of images, but a run; name runs before images")
    inputs = _inputs(given)
    if not isinstance(inputs, bytes):
        # What is not there shows before the network is built, which takes seconds.
        inputs = list(expand_paths(inputs))
    predictor.start()
    start = time.monotonic()
    try:
        predictions = predictor.predict(
            inputs,
            bad_images=bad_images or "error",
            preprocessors=preprocessors,
            threshold=threshold,
        )
    except ImageError as error:
        if isinstance(inputs, bytes):
            raise ImageError(error.reason, name=STANDARD_INPUT) from None
        raise
    seconds = time.monotonic() - start
    if isinstance(inputs, bytes):
        predictions = [attrs.evolve(p, id=STANDARD_INPUT) for p in predictions]
    # Not click's echo, which leaves out of names in a file what a terminal would act on.
    print(
        FORMS[forms[0] if forms else None](predictions, min(top, len(predictor.label_names))),
        flush=True,
    )
    if len(predictions) > 1:
        rate = len(predictions) / seconds
        told = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
        logger.info("%d images in %.1f s, %s images/s", len(predictions), seconds, told)


def _inputs(paths: Sequence[Path]) -> Any:
    """Returns paths, with `-` replaced by those of the standard input, or the image from there."""
    if Path("-") not in paths:
        return list(paths)
    content = sys.stdin.buffer.read()
    if given := _listed(content):
        return [one for path in paths for one in (given if path == Path("-") else [path])]
    if not content.strip():
        raise DlcvError("the standard input is empty; it should be an image, or a path a line")
    if len(paths) > 1:
        raise DlcvError("an image from the standard input can't be mixed with others")
    return content


def _listed(content: bytes) -> list[Path]:
    """Returns the paths in a list: one a line, or one before each zero byte; none in an image.

    Names may be of any bytes but these. Every image's header has bytes that no text has.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    if content.endswith(b"\0"):
        names = content.split(b"\0")
    else:
        names = [line.removesuffix(b"\r") for line in content.split(b"\n")]
    names = [name for name in names if name.strip()]
    is_text = not re.search(rb"[\0-\x08\x0b\x0c\x0e-\x1f]", b"".join(names))
    if is_text or (b"\0" not in names[0] and os.path.lexists(names[0])):
        return [Path(os.fsdecode(name)) for name in names]
    return []


def _as_json(predictions: "Sequence[Prediction]", top: int) -> str:
    rows = [
        {
            "image": p.id,
            "label": p.label,
            "classes": [
                {"label": name, "probability": value if math.isfinite(value) else None}
                for name, value in p.top(top)
            ],
        }
        for p in predictions
    ]
    return json_text(rows)


def _as_csv(predictions: "Sequence[Prediction]", top: int) -> str:
    # A program gets the names as they are; a terminal would act on the escapes in them.
    shown = printable if sys.stdout.isatty() else str
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    places = range(1, top + 1)
    names = [f"{what}_{place}" for place in places for what in ("class", "probability")]
    writer.writerow(["image", "label", *names])
    for p in predictions:
        row = [p.id, p.label, *(value for pair in p.top(top) for value in pair)]
        writer.writerow([shown(value) if isinstance(value, str) else value for value in row])
    return text.getvalue().rstrip("\n")


def _as_table(predictions: "Sequence[Prediction]", top: int) -> str:
    columns = ["image", *["class", "probability"] * top]
    rows = []
    for p in predictions:
        (_, probability), *others = p.top(top)
        rows.append([p.id, p.label, probability, *(value for pair in others for value in pair)])
    return table(columns, rows)


FORMS: dict[str | None, Callable[["Sequence[Prediction]", int], str]] = {
    None: _as_table,
    "json": _as_json,
    "csv": _as_csv,
}
"""How predictions are printed."""

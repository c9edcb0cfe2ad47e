"""`dlcv predict`: what a run says about images."""

import json
import math
from pathlib import Path

import click

from dlcv.cli.console import table, with_verbosity
from dlcv.cli.options import checkpoint_option, config_options, pixel_steps_option
from dlcv.config import RunConfig


@click.command(
    epilog="""\b
Examples:
  dlcv predict runs/latest a.jpg b.png
  dlcv predict runs/latest photos/ --top 3 --json
  dlcv predict runs/latest photos/ --preproc crop
"""
)
@click.argument("run", type=Path)
@click.argument("images", nargs=-1, required=True, type=Path)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many classes to tell for each image.",
)
@pixel_steps_option
@checkpoint_option
@config_options(RunConfig, "bad_images")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list with an object an image.")
@with_verbosity
def predict(
    run: Path,
    images: tuple[Path, ...],
    top: int,
    preprocessors: str | None,
    checkpoint: str,
    bad_images: str | None,
    as_json: bool,
) -> None:
    """Tell the most probable classes of images: files, or all below a folder."""
    from dlcv.runs.loading import load

    predictions = load(run, checkpoint=checkpoint).predict(
        list(images), bad_images=bad_images or "error", preprocessors=preprocessors
    )
    if as_json:
        rows = [
            {
                "image": p.id,
                "classes": [{"label": n, "probability": _finite(v)} for n, v in p.top(top)],
            }
            for p in predictions
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    columns = ["image"] + ["class", "probability"] * min(top, len(predictions[0].probabilities))
    click.echo(
        table(columns, [[p.id, *(v for pair in p.top(top) for v in pair)] for p in predictions])
    )


def _finite(value: float) -> float | None:
    """Returns a number as JSON can hold it: None for one that is not finite."""
    return value if math.isfinite(value) else None

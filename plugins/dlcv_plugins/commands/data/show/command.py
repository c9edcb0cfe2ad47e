"""`dlcv data show`: what a data set holds."""

import itertools
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlcv.api import is_quiet, table, with_verbosity
from dlcv.errors import DlcvError, from_here, json_text, printable

if TYPE_CHECKING:
    from dlcv_plugins.commands.data.show.overview import Overview, Pixels

ROWS = COLUMNS = 3
NOT_DRAWN = "not drawn: in this folder it would become part of the data; use --out"
UNSAFE = re.compile(r"[^\w. +-]+")
"""What no file's name should hold."""
SHOWN_CLASSES = 20
"""The classes that are listed on a terminal; JSON has them all."""


@click.command(
    epilog="""\b
Examples:
  dlcv data show photos/
  dlcv data show packed/ --split test --out test.png
  dlcv data show photos/ --json
"""
)
@click.argument("data")
@click.option("--split", help="The split whose images are read.  [default: train, else all]")
@click.option("--out", type=Path, help="The picture's file.  [default: NAME-images.png, here]")
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True,
              help="Decides which images are in the picture.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON; a picture only with --out.")
@click.option("--force", is_flag=True, help="Replace a picture that exists.")
@with_verbosity
def show(
    data: str, split: str | None, out: Path | None, seed: int, as_json: bool, force: bool
) -> None:
    """Show what a data set holds: splits, classes, sizes, values; and draw some of its images."""
    from dlcv import files
    from dlcv.api import backend, find_store
    from dlcv_plugins.commands.data.show.overview import overview_of
    from dlcv_plugins.pictures import check_format

    picture = _default_picture(data) if out is None and not as_json else out
    if picture is not None:
        check_format(picture)
        files.refuse_existing(picture, force=force)
    found = overview_of(find_store(data), split, threads=backend.available_threads())
    if picture is not None:
        _draw(picture, found, seed)
    if as_json:
        click.echo(json_text(found.as_json(), default=str))
        return
    click.echo(f"{_text(found)}\n\npicture  {picture or NOT_DRAWN}")
    if not is_quiet():
        click.echo(f"advice   dlcv data advise {shlex.quote(data)}")


def _default_picture(data: str) -> Path | None:
    """Returns the picture's default place, None where it would become part of the data."""
    from dlcv_plugins.pictures import is_within

    if is_within(data):
        return None
    return Path(f"{_name(data)}-images.png")


def _draw(path: Path, found: "Overview", seed: int) -> None:
    from dlcv_plugins.commands.data.show.overview import examples
    from dlcv_plugins.pictures import draw_grid

    chosen = examples(found.images, ROWS * COLUMNS, seed)
    rows = [chosen[start : start + COLUMNS] for start in range(0, len(chosen), COLUMNS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_grid(
        path,
        [[image for _, image in row] for row in rows],
        titles=[[label for label, _ in row] for row in rows],
    )


def _name(data: str) -> str:
    """Returns a file name that recalls a data set: a path's last part, or a plugin's name.

    An address is a path, too, though it is none here, and so is a pattern of shards' names.
    """
    path = Path(data).absolute() if Path(data).exists() else Path(data.partition("(")[0].strip())
    return UNSAFE.sub("_", path.name.removesuffix(".hdf5")) or "data"


def _text(found: "Overview") -> str:
    counts = found.by_class
    shown = list(counts.items())[:SHOWN_CLASSES]
    classes = table(("class", *found.counts), [(name, *numbers) for name, numbers in shown])
    if len(counts) > len(shown):
        smallest, largest = (f([n[0] for n in counts.values()]) for f in (min, max))
        classes += (
            f"\n... and {len(counts) - len(shown)} more, {len(counts)} classes in all, with "
            f"{smallest} to {largest} images in {next(iter(found.counts))}"
        )
    facts = {"store": found.store, **_packed(found.packed), **_pixels(found)}
    width = max(map(len, facts))
    return "\n\n".join(
        (
            table(("split", "images"), found.totals.items()),
            classes,
            from_here("\n".join(f"{name.ljust(width)}  {value}" for name, value in facts.items())),
        )
    )


def _packed(packed: dict[str, Any]) -> dict[str, str]:
    """Returns how packed data was made, in words; raises `DlcvError` if that is damaged."""
    try:
        facts = {
            "packed from": packed.get("source"),
            "through": packed.get("preprocessors"),
            "divided by": ", ".join(f"{k} {v}" for k, v in packed.get("split", {}).items()),
            "training mean": _means(packed.get("training_mean", {})),
            "left out": f"{len(packed['skipped'])} images" if packed.get("skipped") else None,
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise DlcvError(f"dataset.toml is damaged: {error}; pack the data set again") from None
    return {name: str(value) for name, value in facts.items() if value}


def _pixels(found: "Overview") -> dict[str, str]:
    pixels, total = found.pixels, len(found.images)
    share = "all" if pixels.looked_at == total else f"{pixels.looked_at:,}, spread over the"
    facts = {
        "images read": f"{share} {total:,} images of {found.split}",
        "shape": _shapes(pixels),
        "values": f"{', '.join(pixels.dtypes)}, from {pixels.low} to {pixels.high}",
        "mean": _means(pixels.mean),
        "labels": _order(found),
    }
    if pixels.unreadable:
        first = printable(pixels.unreadable[0])
        facts["unreadable"] = f"{len(pixels.unreadable)} of these, the first: {first}"
    return facts


def _shapes(pixels: "Pixels") -> str:
    (height, width, channels), count = next(iter(pixels.shapes.items()))
    shape = f"{height} x {width} x {channels}"
    if len(pixels.shapes) == 1:
        return shape
    heights, widths, _ = zip(*pixels.shapes, strict=True)
    most = "no two the same" if count == 1 else f"{shape} most often ({count:,} images)"
    return (
        f"{most}; {len(pixels.shapes):,} shapes in all, "
        f"from {min(heights)} to {max(heights)} high and {min(widths)} to {max(widths)} wide"
    )


def _order(found: "Overview") -> str:
    """Returns the order of the labels in words: `class by class`, or `cat, 3 x dog, ...`."""
    labels = found.images.labels.tolist()
    if sum(1 for _ in itertools.groupby(labels)) == len(set(labels)):
        return "class by class; a run shuffles them"
    runs = [(label, len(list(group))) for label, group in itertools.groupby(found.first_labels)]
    first = ", ".join(f"{count} x {label}" if count > 1 else label for label, count in runs)
    return f"mixed; the first are {printable(first)}"


def _means(means: dict[str, float]) -> str:
    return ", ".join(f"{channel} {value:.2f}" for channel, value in means.items())

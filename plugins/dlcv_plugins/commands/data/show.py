"""`dlcv data show`: what is in a data set."""

import itertools
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlcv.api import table, with_verbosity
from dlcv.errors import printable

if TYPE_CHECKING:
    from dlcv_plugins.commands.data.overview import Overview, Pixels

ROWS = COLUMNS = 3
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
@click.option("--split", help="The split to look at.  [default: train, else all]")
@click.option("--out", type=Path, help="The picture's file.  [default: NAME-images.png, here]")
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True,
              help="Decides which images are in the picture.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON; a picture only with --out.")
@click.option("--force", is_flag=True, help="Replace a picture at that place.")
@with_verbosity
def show(
    data: str, split: str | None, out: Path | None, seed: int, as_json: bool, force: bool
) -> None:
    """Tell what is in a data set: splits, classes, sizes, values; and draw some of its images."""
    from dlcv import files
    from dlcv.api import backend, find_store
    from dlcv_plugins.commands.data.overview import look_over
    from dlcv_plugins.pictures import check_format

    if out is not None:
        check_format(out)
        files.refuse_existing(out, force=force)
    found = look_over(find_store(data), split, threads=backend.available_threads())
    if as_json:
        if out is not None:
            _draw(out, found, seed)
        click.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False, default=str))
        return
    picture = _picture(out, data, found, seed, force)
    click.echo(f"{_text(found)}\n\npicture  {picture}")
    click.echo(f"advice   dlcv data advise {shlex.quote(data)}")


def _picture(out: Path | None, data: str, found: "Overview", seed: int, force: bool) -> str:
    """Draws the picture and returns where it is; what is at the default place is not replaced."""
    path = Path(f"{_name(data)}-images.png") if out is None else out
    if out is None and Path.cwd().is_relative_to(Path(data).absolute()):
        return "not drawn: here it would be taken for one of the data's; --out names another place"
    if out is None and path.exists() and not force:
        return f"not drawn: {path} exists already; --force replaces it, --out names another"
    _draw(path, found, seed)
    return str(path)


def _draw(path: Path, found: "Overview", seed: int) -> None:
    from dlcv_plugins.commands.data.overview import examples
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
    """Returns a file name that recalls a data set: a path's last part, or a plugin's name."""
    name = Path(data).absolute().name if Path(data).exists() else data.partition("(")[0].strip()
    return name.removesuffix(".hdf5") or "data"


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
            "\n".join(f"{name.ljust(width)}  {value}" for name, value in facts.items()),
        )
    )


def _packed(packed: dict[str, Any]) -> dict[str, str]:
    """Returns what packed data says of its making, in words."""
    facts = {
        "packed from": packed.get("source"),
        "through": packed.get("preprocessors"),
        "divided by": ", ".join(f"{k} {v}" for k, v in packed.get("split", {}).items()),
        "training mean": _means(packed.get("training_mean", {})),
        "left out": f"{len(packed['skipped'])} images" if packed.get("skipped") else None,
    }
    return {name: str(value) for name, value in facts.items() if value}


def _pixels(found: "Overview") -> dict[str, str]:
    pixels, total = found.pixels, len(found.images)
    some = "all" if pixels.looked_at == total else f"{pixels.looked_at:,}, spread over the"
    facts = {
        "looked at": f"{some} {total:,} images of {found.split}",
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

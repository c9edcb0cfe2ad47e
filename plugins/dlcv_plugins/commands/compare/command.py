"""`dlcv compare`: runs side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlcv.api import table, with_verbosity
from dlcv_plugins.wording import duration

if TYPE_CHECKING:
    from dlcv_plugins.commands.compare.rows import Row

WIDEST = 150
"""Characters of a table that holds results and settings; wider ones are divided."""


@click.command(
    epilog="""\b
Examples:
  dlcv compare runs/*
  dlcv compare runs/one runs/other --picture curves.png
  dlcv compare runs/* --csv runs.csv
"""
)
@click.argument("runs", nargs=-1, required=True, type=Path, metavar="RUN...")
@click.option("--csv", "csv_file", type=Path, help="Write the table, with all figures, to a file.")
@click.option(
    "--picture", type=Path, help="Draw the validation accuracy by epoch, all runs in one picture."
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
@with_verbosity
def compare(
    runs: tuple[Path, ...], csv_file: Path | None, picture: Path | None, force: bool
) -> None:
    """Set runs side by side: what differs in their settings, and what came of them.

    The first row is random guessing. A run that is named twice is there once, and what is no run is
    left out, so that `runs/*` may be named.
    """
    from dlcv import files
    from dlcv_plugins.commands.compare.files import draw_curves, write_table
    from dlcv_plugins.commands.compare.rows import compare as compared
    from dlcv_plugins.pictures import check_format

    if picture is not None:
        check_format(picture)
    for path in filter(None, (csv_file, picture)):
        files.refuse_existing(path, force=force)
    rows = compared(runs)
    _print(rows)
    lines = []
    if csv_file is not None:
        write_table(csv_file, rows)
        lines.append(f"table     {csv_file}")
    if picture is not None:
        draw_curves(picture, rows)
        lines.append(f"picture   {picture}")
    lines.append("combine   dlcv evaluate RUN RUN ...\nlook at   RUN/report.html")
    click.echo("\n" + "\n".join(lines))


def _print(rows: "Sequence[Row]") -> None:
    """Prints results and settings in one table, or in two where one would be too wide."""
    results, settings = _results(rows), _settings(rows)
    names = {"run": [row.run for row in rows], "network": [row.network for row in rows]}
    whole = _table({**names, **settings, **results})
    if not settings or max(map(len, whole.splitlines())) <= WIDEST:
        click.echo(whole)
        return
    click.echo(_table({**names, **results}))
    runs = [index for index, row in enumerate(rows) if row.settings]
    columns = {"run": names["run"], **settings}
    click.echo("\n" + _table({name: [cells[i] for i in runs] for name, cells in columns.items()}))


def _table(columns: dict[str, list[str]]) -> str:
    return table(columns, zip(*columns.values(), strict=True))


def _settings(rows: "Sequence[Row]") -> dict[str, list[str]]:
    """Returns the settings that differ: the cells of each column, by its name."""
    names = dict.fromkeys(name for row in rows for name in row.settings)
    return {name: [row.settings.get(name, "") for row in rows] for name in names}


def _results(rows: "Sequence[Row]") -> dict[str, list[str]]:
    """Returns figures, likewise, without columns that are empty."""
    from dlcv_plugins.commands.compare.rows import ranks_of

    found = ranks_of({name for row in rows for name in row.metrics})
    columns = {
        "best (epoch)": [_accuracy(row.best_accuracy, row.best_epoch) for row in rows],
        "last (epoch)": [_accuracy(row.last_accuracy, row.last_epoch) for row in rows],
    }
    for rank in sorted(found, key=lambda name: found[name]):
        texts = [row.evaluation.text(rank) if rank in row.metrics else ("", "") for row in rows]
        columns["test" if rank == "rank1" else rank] = [value for value, _ in texts]
        if rank == "rank1":
            columns["95 % interval"] = [interval for _, interval in texts]
    columns["parameters"] = [f"{row.parameters:,}" if row.parameters else "" for row in rows]
    columns["time"] = ["" if row.seconds is None else duration(row.seconds) for row in rows]
    columns["remarks"] = [", ".join(row.remarks) for row in rows]
    return {name: cells for name, cells in columns.items() if any(cells)}


def _accuracy(value: float | None, epoch: int | None) -> str:
    if value is None:
        return ""
    return f"{100 * value:.2f} %" + ("" if epoch is None else f" ({epoch})")

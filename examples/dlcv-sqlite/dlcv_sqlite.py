"""All runs in one SQLite database, and a command that lists the best of them."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from dlcv.api import table, with_verbosity
from dlcv.errors import DlcvError, json_text
from dlcv.interfaces import RunView, Tracker, option, plugin

FILE = "runs.sqlite"
FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
SCHEMA = """
create table if not exists runs (
    run text primary key, data text, architecture text, seed integer, started real, finished real
);
create table if not exists epochs (
    run text, epoch integer, loss real, accuracy real, val_loss real, val_accuracy real,
    learning_rate real, seconds real, primary key (run, epoch)
);
create table if not exists metrics (run text, metric text, value real, primary key (run, metric));
"""
LISTED = """
select runs.run, value, architecture, data from runs join metrics using (run)
where metric = ? order by value desc
"""


@plugin
class Sqlite(Tracker):
    """Keeps the settings, epochs and figures of all runs in one SQLite database."""

    file: str = option(FILE, help="the database; its path, or its name in the folder of all runs")

    def started(self, run: RunView) -> None:
        """Notes the settings; a run that begins anew replaces an earlier one of its name."""
        config = run.config
        settings = (config.data, str(config.architecture), config.seed, time.time(), None)
        with self._database(run) as database:
            if not run.history:
                database.execute("delete from epochs where run = ?", (run.path.name,))
                database.execute("delete from metrics where run = ?", (run.path.name,))
            database.execute(
                "insert or replace into runs values (?, ?, ?, ?, ?, ?)", (run.path.name, *settings)
            )

    def epoch(self, run: RunView, row: dict[str, Any]) -> None:
        """Adds an epoch's figures; one that comes again replaces the one before."""
        figures = [row.get(name) for name in FIGURES]
        with self._database(run) as database:
            database.execute(
                "insert or replace into epochs values (?, ?, ?, ?, ?, ?, ?, ?)",
                (run.path.name, row["epoch"], *figures),
            )

    def finished(self, run: RunView) -> None:
        """Adds the figures on held-out images."""
        rows = [(run.path.name, name, float(value)) for name, value in run.metrics.items()]
        with self._database(run) as database:
            database.executemany("insert or replace into metrics values (?, ?, ?)", rows)
            database.execute(
                "update runs set finished = ? where run = ?", (time.time(), run.path.name)
            )

    def command(self, run: RunView) -> str:
        """Returns the command that lists all runs."""
        return "dlcv leaderboard"

    @contextmanager
    def _database(self, run: RunView) -> Iterator[sqlite3.Connection]:
        """Opens the database for one transaction, so that several runs may write to it."""
        with closing(sqlite3.connect(run.path.parent / self.file, timeout=30)) as database:
            database.executescript(SCHEMA)
            with database:
                yield database


@click.command()
@click.argument("metric", default="rank1")
@click.option(
    "--file", type=Path, default=Path("runs") / FILE, show_default=True, help="The database."
)
@click.option("--lowest", is_flag=True, help="Begin with the lowest value.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_verbosity
def leaderboard(metric: str, file: Path, lowest: bool, as_json: bool) -> None:
    """List finished runs of the tracker `sqlite` by METRIC (or rank1), the highest first."""
    if not file.is_file():
        raise DlcvError(f"there is no {file}; train with --trackers sqlite, or name it by --file")
    with closing(sqlite3.connect(file)) as database:
        try:
            rows = database.execute(LISTED, (metric,)).fetchall()
            known = [name for (name,) in database.execute("select distinct metric from metrics")]
        except sqlite3.DatabaseError as error:
            raise DlcvError(f"{file} is no database of the tracker sqlite: {error}") from None
    if lowest:
        rows.reverse()
    if not rows:
        raise DlcvError(f'{file} has no metric "{metric}"; there are {", ".join(known) or "none"}')
    columns = ("run", metric, "architecture", "data")
    if as_json:
        click.echo(json_text([dict(zip(columns, row, strict=True)) for row in rows]))
    else:
        click.echo(table(columns, rows))

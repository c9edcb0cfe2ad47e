"""`dlcv data check`: finds what would spoil training, before it is trained on."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlcv.api import RunConfig, config_options, is_quiet, with_verbosity
from dlcv.errors import DlcvError, count, printable, some
from dlcv_plugins.executors.option import on_option

if TYPE_CHECKING:
    from dlcv_plugins.commands.data.check.checkup import Checkup, Reported

NAMES_SHOWN = 3
INDENT = " " * 9


@click.command(
    epilog="""\b
Examples:
  dlcv data check photos/
  dlcv data check photos/ --report check.html
  dlcv data check photos/ --checks "exact_copies, near_copies(correlation=0.98)"
  dlcv data check photos/ --json > check.json
  dlcv data check photos/ --on ray

\b
Exit codes: 0 nothing would spoil training, 1 something would, 2 the data can't be checked.
"""
)
@click.argument("data")
@click.option(
    "--checks",
    metavar="SPECS",
    help="The checks to run (dlcv plugins list check).  [default: all that are installed]",
)
@click.option("--report", type=Path, metavar="PAGE", help="Write a page (HTML) with pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every image concerned.")
@config_options(RunConfig, "threads")
@click.option("--force", is_flag=True, help="Replace a page that exists.")
@on_option
@with_verbosity
@click.pass_context
def check(
    context: click.Context,
    data: str,
    checks: str | None,
    report: Path | None,
    as_json: bool,
    threads: int | None,
    force: bool,
) -> None:
    """Find what would spoil training: damaged images, copies in two splits, odd classes."""
    from dlcv import files
    from dlcv_plugins.commands.data.check import checkup as checking
    from dlcv_plugins.commands.data.check.page import write_page

    if report is not None:
        files.refuse_existing(report, force=force)
        if report.is_dir():
            raise DlcvError(f"{report} is a folder; name the page's file")
    checkup = checking.check_data(data, checks=checks, threads=threads)
    if report is not None:
        write_page(checkup, report, force=force)
    if as_json:
        click.echo(json.dumps(checking.as_json(checkup), indent=2))
    else:
        click.echo("\n".join(map(printable, _lines(checkup, data, report))))
    context.exit(1 if checkup.spoils_training else 0)


def _lines(checkup: "Checkup", data: str, report: Path | None) -> list[str]:
    lines = _summary(checkup)
    for reported in checkup.reported:
        lines += ["", *_finding(reported)]
    return lines if is_quiet() else [*lines, "", *_next(checkup, data, report)]


def _summary(checkup: "Checkup") -> list[str]:
    from dlcv_plugins.kinds.check import SEVERITIES

    facts, classes, sizes = checkup.facts, checkup.classes, checkup.sizes
    splits = ", ".join(f"{name} {len(of):,}" for name, of in facts.splits.items())
    guessing = f"; always guessing {classes.largest} is right for {100 * classes.guessing:.2f} %"
    lines = [
        f"images   {len(facts.images):,} ({splits})",
        f"classes  {len(classes.counts):,}{guessing if classes.largest else ''}",
    ]
    if sizes:
        height, width = sizes.most_common
        most = f" in {100 * sizes.most_common_share:.1f} % of the images; "
        spread = (
            f"height {sizes.heights[0]:,} to {sizes.heights[2]:,}, "
            f"width {sizes.widths[0]:,} to {sizes.widths[2]:,}"
        )
        is_one = sizes.different == 1
        lines.append(f"sizes    {height} x {width}{', all' if is_one else most + spread}")
    numbers = ", ".join(count(checkup.number(severity), severity) for severity in SEVERITIES)
    return [*lines, f"found    {numbers}"]


def _finding(reported: "Reported") -> list[str]:
    finding = reported.finding
    lines = [f"{finding.severity:<8} {finding.sentence}"]
    for group in finding.groups[:NAMES_SHOWN]:
        shown = " = ".join(sample.name for sample in group[:NAMES_SHOWN])
        more = f" = ... ({len(group)})" if len(group) > NAMES_SHOWN else ""
        detail = f": {group[0].detail}" if group and group[0].detail else ""
        lines.append(f"{INDENT}  {shown}{more}{detail}")
    if (left := len(finding.groups) - NAMES_SHOWN) > 0:
        lines.append(f"{INDENT}  ... and {left:,} more")
        classes = some(f"{label} {number:,}" for label, number in reported.by_class.items())
        if classes:
            lines.append(f"{INDENT}  by class: {classes}")
    return [*lines, f"{INDENT}{finding.advice}"]


def _next(checkup: "Checkup", data: str, report: Path | None) -> list[str]:
    lines = [f"page   {report}"] if report is not None else []
    named = shlex.quote(data)
    if report is None and checkup.reported:
        lines.append(f"look   dlcv data check {named} --report check.html")
    if not checkup.spoils_training:
        lines.append(f"train  dlcv run --data {named}")
    return lines

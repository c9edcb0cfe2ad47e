"""`dlcv data check`: a doctor for data sets."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlcv.cli.console import with_verbosity
from dlcv.cli.options import config_options
from dlcv.config import RunConfig
from dlcv.errors import printable

if TYPE_CHECKING:
    from dlcv_plugins.checks.check import Checkup
    from dlcv_plugins.checks.findings import Finding

NAMES_SHOWN = 3
INDENT = " " * 9


@click.command(
    epilog="""\b
Examples:
  dlcv data check photos/
  dlcv data check photos/ --report check.html
  dlcv data check photos/ --json > check.json

\b
Exit codes: 0 nothing spoils a training, 1 something does, 2 it can't be checked.
"""
)
@click.argument("data")
@click.option("--report", type=Path, metavar="PAGE", help="Write a page (HTML) with pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every image concerned.")
@config_options(RunConfig, "threads")
@click.option("--force", is_flag=True, help="Replace a page at that place.")
@with_verbosity
@click.pass_context
def check(
    context: click.Context,
    data: str,
    report: Path | None,
    as_json: bool,
    threads: int | None,
    force: bool,
) -> None:
    """Look for what would spoil a training: damaged images, copies in two splits, odd classes."""
    from dlcv import files
    from dlcv_plugins.checks import check as checks
    from dlcv_plugins.checks.page import write_page

    if report is not None:
        files.refuse_existing(report, force=force)
    checkup = checks.check(data, threads=threads)
    if report is not None:
        write_page(checkup, report, force=force)
    if as_json:
        click.echo(json.dumps(checks.as_json(checkup), indent=2))
    else:
        click.echo("\n".join(map(printable, _lines(checkup, data, report))))
    context.exit(1 if checkup.spoils_training else 0)


def _lines(checkup: "Checkup", data: str, report: Path | None) -> list[str]:
    lines = _summary(checkup)
    for finding in checkup.findings:
        lines += ["", *_finding(finding)]
    return [*lines, "", *_next(checkup, data, report)]


def _summary(checkup: "Checkup") -> list[str]:
    from dlcv_plugins.checks.findings import SEVERITIES, count

    collected, balance, shapes = checkup.collected, checkup.balance, checkup.shapes
    splits = ", ".join(f"{name} {len(of):,}" for name, of in collected.splits.items())
    lines = [
        f"images   {len(collected.images):,} ({splits})",
        f"classes  {len(balance.counts):,}"
        + f"; always guessing {balance.largest} is right for {100 * balance.guessing:.2f} %"
        * bool(balance.largest),
    ]
    if shapes:
        height, width = shapes.most_common
        most = f" in {100 * shapes.most_common_share:.1f} % of the images; "
        spread = (
            f"height {shapes.heights[0]:,} to {shapes.heights[2]:,}, "
            f"width {shapes.widths[0]:,} to {shapes.widths[2]:,}"
        )
        is_one = shapes.different == 1
        lines.append(f"sizes    {height} x {width}{', all' if is_one else most + spread}")
    numbers = ", ".join(count(checkup.number(severity), severity) for severity in SEVERITIES)
    return [*lines, f"found    {numbers}"]


def _finding(finding: "Finding") -> list[str]:
    lines = [f"{finding.severity:<8} {finding.sentence}"]
    for group in finding.groups[:NAMES_SHOWN]:
        shown = " = ".join(sample.name for sample in group[:NAMES_SHOWN])
        more = f" = ... ({len(group)})" if len(group) > NAMES_SHOWN else ""
        detail = f": {group[0].detail}" if group[0].detail else ""
        lines.append(f"{INDENT}  {shown}{more}{detail}")
    if (left := len(finding.groups) - NAMES_SHOWN) > 0:
        lines.append(f"{INDENT}  ... and {left:,} more")
    return [*lines, f"{INDENT}{finding.cure}"]


def _next(checkup: "Checkup", data: str, report: Path | None) -> list[str]:
    lines = [f"page   {report}"] if report is not None else []
    named = shlex.quote(data)
    if report is None and checkup.findings:
        lines.append(f"look   dlcv data check {named} --report check.html")
    if not checkup.spoils_training:
        lines.append(f"train  dlcv run --data {named}")
    return lines

"""`dlcv data advise`: what guides and books advise for a data set."""

import shlex
import shutil
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from dlcv.api import with_verbosity
from dlcv.errors import DlcvError, json_text

if TYPE_CHECKING:
    from dlcv_plugins.advice.dataset import ImageCounts
    from dlcv_plugins.advice.engine import Advice

SHARED = ("--validation", "--test", "--batch-size")
"""What is advised for a training from scratch and holds for fine-tuning, too."""
WIDEST = 100
"""Columns that are used at most; longer lines are hard to read."""


@click.command(
    epilog="""\b
Examples:
  dlcv data advise photos/
  dlcv data advise x_rays/ --different
  dlcv data advise packed/ --similar --json
"""
)
@click.argument("data")
@click.option(
    "--similar/--different",
    default=None,
    help="Whether the images are like what pretrained networks saw, everyday things and animals.  "
    "[default: advice for both]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_verbosity
def advise(data: str, similar: bool | None, as_json: bool) -> None:
    """Advise on training with a data set, with reasons: sizes, shares, strategy, augmentation."""
    from dlcv_plugins.advice.dataset import advise as apply
    from dlcv_plugins.advice.dataset_rules import RULES
    from dlcv_plugins.advice.sources import bibliography

    facts = facts_of(data, similar)
    advice = apply(facts, RULES)
    commands = _commands(data, facts, advice)
    if as_json:
        click.echo(_as_json(facts, advice, commands))
        return
    classes = len(facts.classes)
    click.echo(f"{facts.images:,} images of {classes} classes to train on or to divide\n")
    click.echo(_table(advice))
    sources = bibliography(source for one in advice for source in one.sources)
    click.echo("\nsources:\n" + "\n".join(_wrapped(source) for source in sources))
    for title, command in commands.items():
        click.echo(f"\n{title}:\n  {command}")


def _commands(data: str, facts: "ImageCounts", advice: "list[Advice]") -> dict[str, str]:
    """Returns the commands that follow the advice, the one to begin with first, by what they do."""
    from dlcv.registry import installed_bases
    from dlcv_plugins.advice.dataset_rules import large

    options = {name: value for one in advice for name, value in one.options.items()}
    # Without a network whose weights are here, Keras fetches one's.
    base = {} if installed_bases() else {"--base": "vgg16", "--weights": "imagenet"}
    both = base | {name: options[name] for name in SHARED if name in options}
    # A classifier is fitted to all features at once, by a cross-validation of its own: there is no
    # batch to choose, and images held out to validate with would be missing.
    commands = {
        "a linear model on a pretrained network's features, in a minute": ("transfer", base),
        "fine-tuning of that network": ("finetune", both),
        "training from scratch, to compare": ("run", options),
    }
    titles = list(commands)
    if large(facts):
        titles.append(titles.pop(0))
    return {title: _command(commands[title][0], data, commands[title][1]) for title in titles}


def facts_of(data: str, similar: bool | None) -> "ImageCounts":
    """Counts images by their labels alone; none is read."""
    from dlcv.api import find_store
    from dlcv.interfaces import UNSPLIT
    from dlcv_plugins.advice.dataset import ImageCounts

    store = find_store(data)
    names = store.splits()
    if not {"train", UNSPLIT} & set(names):
        raise DlcvError(f"{data} has no images to train on; it has {', '.join(names)} only")
    counts = {name: store.open(name).class_counts() for name in names}
    classes = counts.get("train") or counts[UNSPLIT]
    if len(classes) < 2 or not sum(classes.values()):
        raise DlcvError(f"{data} has fewer than two classes, and a classifier needs two")
    return ImageCounts(classes, counts.get("val", {}), "test" in counts, similar)


def _command(name: str, data: str, options: dict[str, str]) -> str:
    """Returns the command that follows the advice, as far as its options go."""
    words = [word for option in options.items() for word in option]
    return shlex.join(["dlcv", name, "--data", data, *words])


def _table(advice: "list[Advice]") -> str:
    """Returns topics to the left, and to their right the advice, with reason and source below."""
    left = max(len(one.topic) for one in advice) + 2
    width = _width(left)
    lines = []
    for one in advice:
        advised = textwrap.wrap(one.advice, width)
        reason = textwrap.wrap(
            f"{one.reason} ({one.source})", width, initial_indent="  ", subsequent_indent="  "
        )
        topics = [one.topic, *[""] * (len(advised) + len(reason) - 1)]
        lines += [
            f"{topic:{left}}{line}" for topic, line in zip(topics, advised + reason, strict=True)
        ]
    return "\n".join(lines)


def _wrapped(source: str) -> str:
    """Returns a source in lines, indented."""
    return textwrap.fill(
        source, _width(), initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
    )


def _width(left: int = 0) -> int:
    """Returns how many columns a text may have beside `left` others."""
    return max(min(shutil.get_terminal_size().columns, WIDEST) - left, 40)


def _as_json(facts: "ImageCounts", advice: "list[Advice]", commands: Mapping[str, str]) -> str:
    from dlcv_plugins.advice.sources import bibliography

    content = {
        "images": facts.images,
        "classes": len(facts.classes),
        "guess": facts.guess,
        "advice": [_one_as_json(one) for one in advice],
        "sources": bibliography(source for one in advice for source in one.sources),
        "command": next(iter(commands.values())),
        "commands": list(commands.values()),
    }
    return json_text(content)


def _one_as_json(one: "Advice") -> dict[str, object]:
    return {
        "topic": one.topic,
        "advice": one.advice,
        "reason": one.reason,
        "source": one.source,
        "options": one.options,
    }

"""Wrong sections of the report."""

import itertools
from collections.abc import Callable

from dlcv.interfaces import Links, Paragraph, Section, SectionContent, plugin

CALLS = itertools.count()


def section(render):
    """Returns what makes a section that shows what `render(run)` returns."""
    body = {"__doc__": "Shows what a test wants.", "render": lambda self, run: render(run)}
    return lambda: plugin(type("Called", (Section,), body))()


def showing(content):
    return section(lambda run: content)


def changing(change):
    """Returns what makes a section that changes the run, and shows nothing."""

    def render(run):
        change(run)

    return section(render)


def needs_one_member(run):
    if run.members:
        raise ValueError("several members")


def needs_epochs(run):
    if not run.histories:
        raise ValueError("no epochs")


SHOWN, SAME = {"content_can_be_shown"}, {"same_run_same_content"}
WRONG: dict[str, tuple[Callable, set]] = {
    "a text": (showing("<p>hello</p>"), SHOWN),
    "HTML": (showing(SectionContent("", ("<p>hello</p>",))), SHOWN),
    "a script": (showing(SectionContent("", (Links((("a", "javascript:alert(1)"),)),))), SHOWN),
    "counts its calls": (
        section(lambda run: SectionContent("", (Paragraph(str(next(CALLS))),))),
        SAME,
    ),
    "changes the environment": (changing(lambda run: run.environment["data"].clear()), SAME),
    "changes the results": (changing(lambda run: run.results.update(split="val")), SAME),
    "sorts the probabilities": (
        changing(lambda run: run.predictions.probabilities.sort(axis=-1)),
        SAME,
    ),
    "changes the labels": (changing(lambda run: run.predictions.labels.fill(0)), SAME),
    "fails for an ensemble": (section(needs_one_member), SHOWN | SAME),
    "fails for a fitted classifier": (section(needs_epochs), SHOWN | SAME),
}

"""The page of a report: its sections in order, each for itself, and nothing else."""

import datetime
import logging
from collections.abc import Iterator
from typing import Any

import attrs

from dlcv import registry
from dlcv.api import ALL_SECTIONS, RunConfig, data_name
from dlcv.errors import DlcvError, first_line
from dlcv.interfaces import Table
from dlcv.registry import Spec, SpecList
from dlcv_plugins import pages
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Section, SectionContent
from dlcv_plugins.recorded_metrics import from_json
from dlcv_plugins.report.parts import Preparation, Shown, plain

logger = logging.getLogger(__name__)
SCRIPTS = ("sort.js", "tips.js", "pictures.js", "matrix.js")
LONGEST_NAME = 64
"""Longer names are cut, in characters; fingerprints are as long."""


@attrs.frozen
class ShownSection:
    """A section as the template shows it; one that failed has a problem instead of parts."""

    name: str
    title: str = ""
    parts: list[Shown] = attrs.field(factory=list)
    is_narrow: bool = False
    problem: str = ""


def page(run: FinishedRun, sections: SpecList) -> tuple[str, Preparation]:
    """Returns the page of a report, and what went into it.

    Args:
        run: The run.
        sections: The sections in order; `all` stands for those that are installed and not named.
    """
    preparation = Preparation(run)
    shown = list(filter(None, (_shown(spec, preparation) for spec in _chosen(sections))))
    if not any(section.parts for section in shown):
        shown.append(_figures(preparation))
    content = pages.render(
        "report.html",
        script=SCRIPTS,
        today=datetime.date.today().isoformat(),
        run=run,
        network=_network(run.config.architecture),
        data=_data(run.config),
        longest=LONGEST_NAME,
        sections=shown,
        missing=preparation.pictures.missing,
        problem=preparation.pictures.problem,
    )
    return content, preparation


def _network(spec: Spec) -> str:
    """Returns a network's name, and before it that of the network whose body it takes."""
    inner = [value.name for value in spec.options.values() if isinstance(value, Spec)]
    return " with ".join([*inner, spec.name])


def _data(config: RunConfig) -> str:
    """Returns a short name for a run's data, or its whole text where it is no longer there."""
    try:
        return data_name(config)
    except DlcvError:
        return config.data


def _chosen(sections: SpecList) -> Iterator[Spec]:
    named = {spec.name for spec in sections}
    for spec in sections:
        if spec == Spec(ALL_SECTIONS):
            yield from (Spec(name) for name in _in_order() if name not in named)
        else:
            yield spec


def _in_order() -> list[str]:
    """Returns the names of all installed sections in their order; broken ones come last."""

    def place(name: str) -> tuple[float, str]:
        try:
            return registry.get("section", name).order, name
        except Exception:
            return float("inf"), name

    return sorted(registry.names("section"), key=place)


def _shown(spec: Spec, preparation: Preparation) -> ShownSection | None:
    """Returns what a section shows, or a line that says why it failed."""
    try:
        section: Section = registry.create("section", spec)
        content = section.render(preparation.run)
        if content is None:
            return None
        if not isinstance(content, SectionContent):
            raise TypeError(f"it returns a {type(content).__name__}, not a SectionContent")
        content = plain(content)
        parts = preparation.parts(content.parts)
        return ShownSection(spec.name, content.title, parts, content.is_narrow)
    except Exception as error:
        owner = _owner(spec.name)
        logger.warning(
            "the report lacks the section %s of %s: %s", spec.name, owner, _reason(error)
        )
        logger.debug("the section %s failed", spec.name, exc_info=True)
        return ShownSection(spec.name, problem=f"of {owner}: {_reason(error)}")


def _owner(name: str) -> str:
    try:
        return registry.registry.find("section", name).origin
    except Exception:
        return "an unknown package"


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, DlcvError) else first_line(error)


def _figures(preparation: Preparation) -> ShownSection:
    """Returns what is left where there is no section: the figures of `metrics.json`."""
    rows: tuple[tuple[Any, ...], ...] = tuple(from_json(preparation.run.results).rows())
    table = Table("", ("metric", "value", "95 % interval"), rows)
    return ShownSection("figures", "Figures", preparation.parts([table]))

"""A check of a data set: one pass over it, then every check on what the pass found."""

import logging
import traceback
from collections import Counter
from collections.abc import Iterable

import attrs

from dlcv import registry
from dlcv.api import backend, find_store
from dlcv.errors import PluginError, SpecError, first_line
from dlcv_plugins.commands.data.check.collect import collect
from dlcv_plugins.commands.data.check.figures import Classes, Sizes, classes_of, sizes_of
from dlcv_plugins.kinds.check import SEVERITIES, Check, DatasetFacts, Finding, Severity

logger = logging.getLogger(__name__)


@attrs.frozen
class Reported:
    """A finding, with the check that found it.

    Attributes:
        finding: What was found.
        check: The check's name.
        by_class: How many of the images concerned each class has, those with most first.
    """

    finding: Finding
    check: str
    by_class: dict[str, int]


@attrs.frozen(eq=False)
class Checkup:
    """What `check_data` found.

    Attributes:
        data: The data set, as the person named it.
        store: The name of the store that it was recognized as.
        facts: What the pass over it collected.
        classes: Figures about its classes.
        sizes: Figures about its images' sizes; None if no image can be read.
        reported: What the checks found, the worst first.
        failed: What failed and why, by the check's name; its findings are missing.
    """

    data: str
    store: str
    facts: DatasetFacts
    classes: Classes
    sizes: Sizes | None
    reported: tuple[Reported, ...]
    failed: dict[str, str]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the checks found, the worst first."""
        return tuple(reported.finding for reported in self.reported)

    def number(self, severity: Severity) -> int:
        """Returns the number of findings of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def spoils_training(self) -> bool:
        """Whether something must be corrected before training."""
        return self.number("error") > 0


def check_data(
    data: str,
    *,
    checks: "str | Iterable[str | Check] | None" = None,
    threads: int | None = None,
) -> Checkup:
    """Reads every image of a data set and reports what would harm training.

    Args:
        data: A store, or the path of a data set.
        checks: The checks to run, as text (`"near_copies(correlation=0.98), blank_images"`) or as
            several; by default all that are installed. A check that raises is reported in one
            line, and the others run.
        threads: Threads for reading; all processors by default.

    Raises:
        DlcvError: there is no data set, nothing of it can be opened, or a check that was named
            doesn't exist.
    """
    asked = _installed() if checks is None else registry.create_list("check", checks)
    store = find_store(data)
    facts = collect(store, threads or backend.available_threads())
    reported: list[Reported] = []
    failed: dict[str, str] = {}
    for check in asked:
        name = registry.spec_of(check).name
        try:
            found = [*check.findings(facts)]
            for finding in found:
                _require_valid(finding, facts)
        except Exception as error:
            descriptor = registry.registry.descriptor_of(check)
            failed[name] = f"{descriptor.title} failed: {first_line(error)}"
            logger.warning("%s; its findings are missing", failed[name])
            logger.debug("%s", traceback.format_exc())
            continue
        reported += [Reported(finding, name, _by_class(finding)) for finding in found]
    reported.sort(key=lambda reported: SEVERITIES.index(reported.finding.severity))
    return Checkup(
        data,
        registry.spec_of(store).name,
        facts,
        classes_of(facts),
        sizes_of(facts),
        tuple(reported),
        failed,
    )


def as_json(checkup: Checkup) -> dict[str, object]:
    """Returns everything that was found as plain values."""
    return {
        "data": checkup.data,
        "store": checkup.store,
        "images": {name: len(split) for name, split in checkup.facts.splits.items()},
        "classes": checkup.classes.counts,
        "largest_class": checkup.classes.largest,
        "accuracy_of_guessing_it": checkup.classes.guessing,
        "shapes": attrs.asdict(checkup.sizes) if checkup.sizes else None,
        "numbers": {severity: checkup.number(severity) for severity in SEVERITIES},
        "findings": [
            {**attrs.asdict(r.finding), "check": r.check, "images_by_class": r.by_class}
            for r in checkup.reported
        ],
        "failed_checks": checkup.failed,
    }


def _installed() -> list[Check]:
    """Makes all checks that are installed; those that can't be made cost a line each."""
    checks = []
    for name in registry.names("check"):
        try:
            checks.append(registry.create("check", name))
        except (PluginError, SpecError) as error:
            logger.warning("%s; it is left out", error)
    return checks


def _require_valid(finding: Finding, facts: DatasetFacts) -> None:
    """Raises a `PluginError` for a finding that can't be shown."""
    if not isinstance(finding, Finding):
        raise PluginError(f"it returned {finding!r}, which is no Finding")
    if finding.severity not in SEVERITIES:
        known = ", ".join(SEVERITIES)
        raise PluginError(f'"{finding.severity}" is no severity; use one of {known}')
    for sample in finding.samples:
        if sample.index is None:
            continue
        split = facts.splits.get(sample.split, ())
        if not 0 <= sample.index < len(split):
            raise PluginError(f"the data set has no image {sample.index} in {sample.split!r}")


def _by_class(finding: Finding) -> dict[str, int]:
    labels = Counter(sample.label for sample in finding.samples if sample.index is not None)
    return dict(labels.most_common())

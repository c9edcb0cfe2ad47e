"""A check of a data set: one pass over it, then everything that can be said."""

import attrs

from dlcv import backend, registry
from dlcv.data.sources import find_store
from dlcv_plugins.checks.balance import Balance, balance_findings, balance_of
from dlcv_plugins.checks.collect import Collected, collect
from dlcv_plugins.checks.duplicates import duplicate_findings
from dlcv_plugins.checks.files import file_findings
from dlcv_plugins.checks.findings import SEVERITIES, Finding, Severity
from dlcv_plugins.checks.shapes import Shapes, shape_findings, shapes_of
from dlcv_plugins.checks.strays import stray_findings

CHECKERS = (
    balance_findings,
    file_findings,
    duplicate_findings,
    shape_findings,
    stray_findings,
)
"""What looks for findings; each is a function of the facts alone."""


@attrs.frozen(eq=False)
class Checkup:
    """What a check found.

    Attributes:
        data: The data set, as the person named it.
        store: What it was recognised as.
        collected: The facts.
        balance: The classes.
        shapes: The images' sizes; None if no image can be read.
        findings: What to know and to do, the worst first.
    """

    data: str
    store: str
    collected: Collected
    balance: Balance
    shapes: Shapes | None
    findings: tuple[Finding, ...]

    def number(self, severity: Severity) -> int:
        """Returns how many findings are as bad as that."""
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def spoils_training(self) -> bool:
        """Whether something has to be put right before training."""
        return self.number("error") > 0


def check(data: str, *, threads: int | None = None) -> Checkup:
    """Looks at every image of a data set and tells what would harm a training.

    Args:
        data: A store, or the path of a data set.
        threads: Threads for reading; all processors by default.

    Raises:
        DlcvError: there is no data set, or nothing of it can be opened.
    """
    store = find_store(data)
    collected = collect(store, threads or backend.available_threads())
    found = [finding for checker in CHECKERS for finding in checker(collected)]
    found.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Checkup(
        data,
        registry.spec_of(store).name,
        collected,
        balance_of(collected),
        shapes_of(collected),
        tuple(found),
    )


def as_json(checkup: Checkup) -> dict[str, object]:
    """Returns all that was found as plain values."""
    splits = checkup.collected.splits
    return {
        "data": checkup.data,
        "store": checkup.store,
        "images": {name: len(split) for name, split in splits.items()},
        "classes": checkup.balance.counts,
        "largest_class": checkup.balance.largest,
        "accuracy_of_guessing_it": checkup.balance.guessing,
        "shapes": attrs.asdict(checkup.shapes) if checkup.shapes else None,
        "numbers": {severity: checkup.number(severity) for severity in SEVERITIES},
        "findings": [attrs.asdict(finding) for finding in checkup.findings],
    }

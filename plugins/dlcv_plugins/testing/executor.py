"""Checks of executors, with parts that take no time.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

from collections.abc import Callable

from dlcv.errors import DlcvError
from dlcv.interfaces import Plugin
from dlcv.testing import Check
from dlcv_plugins.kinds.executor import Executor, Needs

PARTS = tuple(range(7))


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for executors; those that need what is not installed here pass."""
    return (
        check_results_come_in_order_and_everything_is_reported,
        check_errors_are_raised_as_they_are,
    )


def check_results_come_in_order_and_everything_is_reported(executor: Executor) -> None:
    """What comes of the parts is in their order, whichever is done first."""
    reported: list[int] = []
    found = _mapped(executor, squared, reported)
    expected = [part * part for part in PARTS]
    assert found == expected, f"{executor} returns {found} for parts whose results are {expected}"
    amount = sum(reported)
    assert amount == sum(PARTS), f"{executor} reports {amount} of {sum(PARTS)}"


def check_errors_are_raised_as_they_are(executor: Executor) -> None:
    """A part that fails with a `DlcvError` ends the whole with it."""
    try:
        _mapped(executor, failing, [])
    except DlcvError as error:
        raised = str(error)
    else:
        raised = ""
    assert raised == "part 3 is damaged", (
        f'{executor} raises "{raised}" where a part failed with "part 3 is damaged"'
    )


def squared(part: int, report: Callable[[int], None]) -> int:
    """Returns a number's square, and reports the number."""
    report(part)
    return part * part


def failing(part: int, report: Callable[[int], None]) -> int:
    """Fails for part 3."""
    if part == 3:
        raise DlcvError("part 3 is damaged")
    return part


def _mapped(
    executor: Executor, work: Callable[[int, Callable[[int], None]], int], reported: list[int]
) -> list[int]:
    with executor.running():
        return list(executor.map(work, PARTS, at_once=2, needs=Needs(), report=reported.append))

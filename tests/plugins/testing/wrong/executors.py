"""Wrong executors."""

from collections.abc import Callable

from dlcv.errors import DlcvError
from dlcv.interfaces import Executor, plugin


def executor(results):
    """Returns what makes an executor whose results are `results(work, parts, report)`."""
    body = {
        "__doc__": "Does parts as a test wants.",
        "map": lambda self, work, parts, *, at_once, needs, report: results(work, parts, report),
    }
    return lambda: plugin(type("Called", (Executor,), body))()


def results_until_one_fails(work, parts, report):
    for part in parts:
        try:
            yield work(part, report)
        except DlcvError:
            return


def results_with_another_error(work, parts, report):
    try:
        yield from [work(part, report) for part in parts]
    except DlcvError as error:
        raise DlcvError(f"a worker failed: {error}") from error


ORDER = {"results_come_in_order_and_everything_is_reported"}
RAISED = {"errors_are_raised_as_they_are"}
WRONG: dict[str, tuple[Callable, set]] = {
    "the last part first": (
        executor(lambda work, parts, report: (work(part, report) for part in parts[::-1])),
        ORDER,
    ),
    "leaves out the last part": (
        executor(lambda work, parts, report: (work(part, report) for part in parts[:-1])),
        ORDER,
    ),
    "reports nothing": (
        executor(lambda work, parts, report: (work(part, lambda count: None) for part in parts)),
        ORDER,
    ),
    "reports twice": (
        executor(lambda work, parts, report: (work(p, lambda n: report(2 * n)) for p in parts)),
        ORDER,
    ),
    "ends where a part fails": (executor(results_until_one_fails), RAISED),
    "words the error itself": (executor(results_with_another_error), RAISED),
}

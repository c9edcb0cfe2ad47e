"""Runs without pictures: to draw curves and to write a report takes most of a tiny run's time."""

import contextlib
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def switched(*, on: bool) -> Iterator[None]:
    """Lets the runs of a block draw `curves.png` and write `report.html`, or do without."""
    from dlcv.training.history import History
    from dlcv_plugins.report import write

    both = ((History, "draw"), (write, "report_finished"))
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in both:
            function = getattr(owner, name)
            real = getattr(function, "real", function)
            patch.setattr(owner, name, real if on else _left_out(real))
        yield


def _left_out(real):
    def nothing(of):
        """Does nothing in place of `real`."""

    nothing.real = real
    return nothing

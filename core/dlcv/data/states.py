"""What several preprocessors learned, as named arrays in one file."""

from collections.abc import Iterable, Mapping

import numpy as np

from dlcv.interfaces import Preprocessor


def states_of(steps: Iterable[Preprocessor]) -> dict[str, np.ndarray]:
    """Returns what steps learned, as arrays by `position.name`."""
    return {
        f"{index}.{name}": array
        for index, step in enumerate(steps)
        for name, array in step.state_dict().items()
    }


def with_states(
    steps: Iterable[Preprocessor], arrays: Mapping[str, np.ndarray]
) -> list[Preprocessor]:
    """Returns steps that know what `states_of` gave.

    Raises:
        KeyError: there is no step at a position.
        ValueError: a position is no number.
        DlcvError: an array's name is none of the step's state; others as the step says.
    """
    known = dict(enumerate(steps))
    for place, array in arrays.items():
        index, _, name = place.partition(".")
        known[int(index)] = known[int(index)].with_state({name: array})
    return [*known.values()]

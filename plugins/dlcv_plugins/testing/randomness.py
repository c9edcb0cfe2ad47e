"""Randomness that a plugin takes from elsewhere than the generator that it is given."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    import numpy as np


@contextmanager
def foreign_randomness(plugin: Any) -> Iterator[list[str]]:
    """Gives a list that names, after the block, what randomness a plugin took from elsewhere.

    Comparing results finds what differs often; a draw that changes one image in two hundred is
    found because it moves a generator on.
    """
    import numpy as np

    found: list[str] = []
    before = _states(plugin)

    def fresh(seed: Any = None, *, make: Any = np.random.default_rng) -> "np.random.Generator":
        if seed is None:
            found.append("a new generator")
        generator: np.random.Generator = make(seed)
        return generator

    with mock.patch.object(np.random, "default_rng", fresh):
        yield found
    found += [name for name, state in _states(plugin).items() if state != before[name]]


def _states(plugin: Any) -> dict[str, str]:
    """Returns the states of the generators that a plugin could reach, by what they are called."""
    import numpy as np

    generators = {
        f"{name} of {getattr(owner, '__name__', 'the plugin')}": value
        for owner in (*_owners(type(plugin)), plugin)
        for name, value in vars(owner).items()
        if isinstance(value, np.random.Generator | np.random.RandomState | random.Random)
    }
    states: dict[str, Any] = {"random": random.getstate(), "numpy.random": np.random.get_state()}
    for name, generator in generators.items():
        if isinstance(generator, np.random.Generator):
            states[name] = generator.bit_generator.state
        elif isinstance(generator, random.Random):
            states[name] = generator.getstate()
        else:
            states[name] = generator.get_state()
    with np.printoptions(threshold=sys.maxsize):
        return {name: repr(state) for name, state in states.items()}


def _owners(cls: type) -> Iterator[Any]:
    """Yields a class, those that it derives from, and the modules of its package."""
    yield from cls.__mro__[:-1]
    package = cls.__module__.partition(".")[0]
    yield from (m for name, m in [*sys.modules.items()] if name.partition(".")[0] == package)

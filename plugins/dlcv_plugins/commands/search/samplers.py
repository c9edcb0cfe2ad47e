"""Optuna's samplers and pruners by name, and one whose next values no trial has so far."""

import hashlib
import importlib.util
import inspect
from collections.abc import Callable
from typing import Any

import optuna

from dlcv.errors import DlcvError
from dlcv.registry import Spec

UNUSABLE = ("Base", "PartialFixed", "Grid", "BruteForce")
"""Samplers that need more than options, or end Optuna's own loop."""
PACKAGES = {"CmaEsSampler": "cmaes", "GPSampler": "torch"}
"""What Optuna imports only after some trials."""
DRAWS = 20
"""So often are values drawn that were drawn before; then what is left is counted."""

Draw = Callable[[optuna.Trial], object]


def made(module: Any, kind: str, spec: Spec, seed: int | None = None) -> Any:
    """Makes one of Optuna's samplers or pruners by its name: `tpe`, `successive_halving`.

    Raises:
        DlcvError: there is none of that name, it refuses its options, or a package is missing.
    """
    ending = kind.capitalize()
    known = {
        name.removesuffix(ending).lower(): name
        for name in module.__all__
        if name.endswith(ending) and not name.startswith(UNUSABLE)
    }
    found = known.get(spec.name.replace("_", "").lower())
    if found is None:
        raise DlcvError(f"{kind}: Optuna has no {spec.name}; it has {', '.join(sorted(known))}")
    package = PACKAGES.get(found)
    if package and importlib.util.find_spec(package) is None:
        raise DlcvError(f"{kind}: {spec.name} needs the package {package}: pip install {package}")
    cls = getattr(module, found)
    options = {name: _plain(value) for name, value in spec.options.items()}
    if seed is not None and "seed" in inspect.signature(cls).parameters:
        options = {"seed": seed, **options}
    try:
        return cls(**options)
    except (TypeError, ValueError, ImportError) as error:
        raise DlcvError(f"{kind}: {spec}: {error}") from None


def _plain(value: Any) -> Any:
    """Returns an option as Optuna takes it: a bare word is a spec for dlcv, and text for Optuna."""
    return str(value) if isinstance(value, Spec) and not value.options else value


def for_new_values(study: optuna.Study, spec: Spec, seed: int, draw: Draw) -> Any:
    """Returns a sampler whose next values no trial of a study has; None if there are no others.

    The values depend on the seed and the trials so far. Optuna itself draws the same ones again:
    choices and whole numbers soon come twice.

    Args:
        study: The study, which stays as it is.
        spec: The name of Optuna's sampler with its options.
        seed: The seed of the search.
        draw: Draws a trial's values.
    """
    known = [trial.params for trial in study.get_trials(deepcopy=False)]
    for attempt in range(DRAWS):
        again = f" {attempt}" if attempt else ""
        digest = hashlib.sha256(f"{seed} {len(known)}{again}".encode()).digest()
        number = int.from_bytes(digest[:4])
        if _drawn(study, made(optuna.samplers, "sampler", spec, number), draw) not in known:
            return made(optuna.samplers, "sampler", spec, number)
    try:
        if _drawn(study, optuna.samplers.BruteForceSampler(number), draw) in known:
            return None
    except ValueError:  # There are numbers between others, so something is always left.
        return made(optuna.samplers, "sampler", spec, number)
    return optuna.samplers.BruteForceSampler(number)


def _drawn(study: optuna.Study, sampler: Any, draw: Draw) -> dict[str, Any]:
    """Returns the values that a sampler would draw next, by a copy of the study."""
    copy = optuna.create_study(sampler=sampler)
    for name, value in study._storage.get_study_system_attrs(study._study_id).items():
        copy._storage.set_study_system_attr(copy._study_id, name, value)
    copy.add_trials(study.get_trials(deepcopy=False))
    trial = copy.ask()
    draw(trial)
    return trial.params

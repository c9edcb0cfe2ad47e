"""The plan of `dlcv auto`: what is tried, in which order, and why."""

import functools
import time
from pathlib import Path
from typing import Any

import attrs

from dlcv.api import RunConfig, backend, configured, find_store
from dlcv.errors import DlcvError
from dlcv.interfaces import LabelledImages, evolve
from dlcv.registry import Spec
from dlcv_plugins.commands.auto import candidates as trying
from dlcv_plugins.commands.auto.beforehand import advise, check
from dlcv_plugins.commands.auto.candidates import Candidate
from dlcv_plugins.commands.auto.clock import OutOfTimeError, StoppedError
from dlcv_plugins.commands.auto.ladder import Ladder, Rung, failure
from dlcv_plugins.wording import duration

EXTRACTING, PROBING = 0.4, 0.5
"""Shares of the time: for the first features, and for the features of all."""
SEARCHING = 0.7
"""Share of what is left: for the first classifier, before it does without a search."""
SLOWEST = 0.1
"""Seconds an image; where even so slow a network is in time, none is measured beforehand."""
FEWEST = 10
"""Images of a class that a share of the images must leave."""
MOST_EPOCHS, FEWEST_EPOCHS, WORTHWHILE = 8, 2, 4
"""Of fine-tuning: at most, at least, and so many that there is time to compare augmentations."""
TRAINING = 1.5
"""How many times as long as its features a training step takes at least, for an image."""
AUGMENTATIONS = {
    "flips, rotation, shifts and zoom": "flip, affine(rotation=15)",
    "no augmentation": "",
    "trivial augmentation": "trivial_augment",
}


@attrs.define(eq=False)
class Attempt(Ladder):
    """An attempt at a data set within some time.

    Attributes:
        data: The data set.
        options: Options of `RunConfig` and of its split.
        bases: The networks, or runs, that are tried, the smallest first.
        folder: The folder of the runs that are tried.
    """

    data: str
    options: dict[str, Any]
    bases: list[str]
    folder: Path

    def run(self) -> None:
        """Tries what the time allows; after ctrl+c, what was tried so far is there.

        Raises:
            DlcvError: the data can't be used, or the time is too short for anything.
        """
        try:
            check(self.data, self)
            advise(self.data, self)
            # What it takes comes once, and says nothing about how long anything else takes.
            backend.start(self.options.get("threads") or backend.available_threads())
            probes: dict[str, Candidate] = {}
            fraction = self._fraction()
            self._probe(probes, fraction, PROBING)
            if not self._fine_tune(probes):
                # Nothing else needs the time that is left.
                self._probe(probes, fraction, 1.0)
            self._combine()
        except (StoppedError, KeyboardInterrupt, SystemExit):
            if not self.clock.stopped_by:
                raise
            self.say("stopped by a signal: what is best so far is kept")

    def _probe(self, found: dict[str, Candidate], fraction: float, share: float) -> None:
        """Fits a classifier to the features of each base that has none, while there is time.

        Args:
            found: The classifiers by their base; those that are fitted are added.
            fraction: The share of the images that is used.
            share: The share of all time after which no other begins.
        """
        for base in (b for b in self.bases if b not in found):
            config, yielding = self._config(base, fraction)
            name = Path(base).name
            limit = self.left
            if found:
                before = list(found.values())[-1].seconds
                limit = min(limit, share * self.clock.seconds - self.clock.spent)
                if limit < before:
                    self.say("no time %sfor the features of %s: those before took %s",
                             "now " if share < 1 else "", name, duration(before))  # fmt: skip
                    continue
            else:
                self.say("transfer comes first: a classifier on the features of %s", name)
            what = f"transfer from {name}"
            fit = functools.partial(self._fitted, what, yielding)
            if found:
                candidate = self.tried(what, limit, functools.partial(fit, config))
            else:
                candidate = self._first(what, limit, config, yielding)
            if candidate is None:
                continue
            if not found:
                self._set_reserve(candidate, fraction)
            found[base] = candidate

    def _fitted(self, what: str, yielding: list[str], config: RunConfig) -> Candidate:
        # Its place in the ladder is in its name: several bases may have one architecture.
        number = len(self.rungs) + 1
        return trying.probe(config, yielding, what=what, number=number, runs=self.folder)

    def _first(self, what: str, limit: float, config: RunConfig, yielding: list[str]) -> Candidate:
        """Fits the classifier that the others are compared with, if need be without a search.

        Raises:
            DlcvError: it fails, or takes too long even so.
        """
        fit = functools.partial(self._fitted, what, yielding)
        found = self.tried(what, SEARCHING * limit, lambda: fit(config), is_needed=True)
        if found is not None:
            return found
        self.say("%s: the search for a strength takes too long; it is fitted with one", what)
        once = evolve(config, classifier=Spec("logistic_regression", {"C": 1.0}))

        def fit_once() -> Candidate:
            # Features that are there already are not extracted again, but the test has its own.
            each = trying.feature_seconds(config, yielding)
            made = fit(once)
            return attrs.evolve(made, seconds=made.seconds + each * sum(made.images.values()))

        found = self.tried(what, self.left, fit_once, is_needed=True)
        if found is None:
            raise DlcvError(self._too_short())
        return found

    def _config(self, base: str, fraction: float) -> tuple[RunConfig, list[str]]:
        from dlcv_plugins.trainers.features.configuration import transfer_config

        share = {} if fraction == 1 else {"fraction": fraction}
        return configured(transfer_config(base), {"data": self.data, **self.options, **share})

    @functools.cached_property
    def _splits(self) -> list[LabelledImages]:
        store = find_store(self.data)
        return [store.open(name) for name in store.splits()]

    @property
    def _images(self) -> int:
        return sum(map(len, self._splits))

    def _fraction(self) -> float:
        """Returns the share of the images whose features can be extracted in time."""
        images = self._images
        allowed = EXTRACTING * self.clock.seconds
        if images * SLOWEST < allowed:
            return 1.0
        config, yielding = self._config(self.bases[0], 1.0)
        classes = len(self._splits[0].label_names)
        sample = min(1.0, 2 * FEWEST * classes / images)
        try:
            with self.clock.limited(allowed):
                each = trying.feature_seconds(evolve(config, fraction=sample), yielding)
        except OutOfTimeError:
            raise DlcvError(self._too_short()) from None
        needed = images * each
        if needed < allowed:
            return 1.0
        fraction = int(100 * allowed / needed) / 100
        if fraction * images < FEWEST * classes:
            raise DlcvError(
                f"the features of {images:,} images take about {duration(needed)}, and there are "
                f"{duration(self.clock.seconds)}; give it more --minutes"
            )
        self.say(
            "the features of all %s images would take %s: a share of %g is used", f"{images:,}",
            duration(needed), fraction,
        )  # fmt: skip
        return fraction

    def _too_short(self) -> str:
        return (
            f"the time of {duration(self.clock.seconds)} was up before anything was trained; give "
            "it more --minutes"
        )

    def _set_reserve(self, candidate: Candidate, fraction: float) -> None:
        """Keeps time for the test: as the first features took, for the images of the test."""
        images = candidate.images
        seen = sum(images.values())
        # Of each split, a share is used. Without test images, the report is of the validation.
        to_test = max(0, round(self._images * fraction) - seen) or images["val"]
        self.reserve += to_test * candidate.seconds / seen

    def _fine_tune(self, probes: dict[str, Candidate]) -> bool:
        """Trains whole networks, which begin with the classifiers that were fitted.

        Returns:
            Whether there was time for that.
        """
        order = sorted(probes, key=lambda b: trying.cross_validated(probes[b]), reverse=True)
        best = order[0]
        name = Path(best).name
        if len(order) > 1:
            self.say("%s is the best base by cross-validation: %s", name, ", ".join(
                f"{Path(b).name} {100 * trying.cross_validated(probes[b]):.2f} %" for b in order
            ))  # fmt: skip
        timed = self._timed_epoch(probes[best], name)
        if timed is None:
            return False
        epoch, overhead = timed
        epochs = self._epochs(epoch, overhead)
        if epochs is None:
            self.say(
                "no fine-tuning: an epoch takes %s, and %s are left", duration(epoch),
                duration(max(0.0, self.left)),
            )  # fmt: skip
            return False
        self.say(
            "fine-tuning all of %s, from the fitted classifier on: %d epochs of about %s", name,
            epochs, duration(epoch),
        )  # fmt: skip
        tuned: dict[str, Candidate] = {}
        seconds = overhead + epochs * epoch
        for title, steps in AUGMENTATIONS.items():
            if self.left < 0.7 * seconds:
                self.say("no time for %s", title)
                break
            candidate = self._tune(probes[best], name, title, steps, epochs)
            if candidate is not None:
                tuned[title] = candidate
        if not tuned:
            return False
        title = min(tuned, key=lambda t: tuned[t].loss)
        if len(tuned) > 1:
            self.say("%s validates best", title)
        for base in order[1:]:
            needed = seconds * probes[base].seconds / probes[best].seconds
            if self.left < 0.7 * needed:
                self.say("no time to fine-tune %s", Path(base).name)
                continue
            self._tune(probes[base], Path(base).name, title, AUGMENTATIONS[title], epochs)
        return True

    def _timed_epoch(self, probe: Candidate, name: str) -> tuple[float, float] | None:
        """Returns about how long an epoch takes, and what comes to it once a training.

        None if it fails or the time is too short: it is not measured where the features took so
        long that training, which takes several times as long, can't be in time.
        """
        images = probe.images
        each = probe.seconds / sum(images.values())
        start = time.monotonic()
        try:
            if self.left < FEWEST_EPOCHS * TRAINING * each * images["train"]:
                raise OutOfTimeError
            with self.clock.limited(self.left):
                trained = trying.step_seconds(trying.fine_tuning(probe.paths[0], "", 1))
        except StoppedError:
            raise
        except OutOfTimeError:
            self.say(
                "no fine-tuning of %s: two epochs take longer than the %s that are left", name,
                duration(max(0.0, self.left)),
            )  # fmt: skip
            return None
        except Exception as error:
            self.add(Rung(f"fine-tuned {name}", time.monotonic() - start, remark=failure(error)))
            return None
        overhead = time.monotonic() - start
        return trained * images["train"] + each * images["val"], overhead

    def _epochs(self, epoch: float, overhead: float) -> int | None:
        """Returns for how many epochs to fine-tune: fewer, if two augmentations can be compared."""
        of_two, of_one = ((self.left / runs - overhead) / epoch for runs in (2, 1))
        if of_two >= WORTHWHILE:
            return min(MOST_EPOCHS, int(of_two))
        return min(MOST_EPOCHS, int(of_one)) if of_one >= FEWEST_EPOCHS else None

    def _tune(
        self, probe: Candidate, name: str, title: str, steps: str, epochs: int
    ) -> Candidate | None:
        config = trying.fine_tuning(probe.paths[0], steps, epochs)
        what = f"fine-tuned {name}, {title}"
        until = self.clock.seconds - self.reserve
        number = f"{len(self.rungs) + 1}-{name}"
        return self.tried(
            what, self.left,
            lambda: trying.train(config, what, number, self.folder, self.clock, until),
        )  # fmt: skip

    def _combine(self) -> None:
        """Combines what was trained, where it lowers the validation loss."""
        if len(self.candidates) < 2:
            return
        found = trying.combined(self.candidates)
        if found is None:
            self.say("no combination lowers the validation loss enough to be worth its time")
            return
        self.add(Rung(found.what, 0.0, found))

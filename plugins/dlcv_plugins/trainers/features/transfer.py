"""Transfer in one go or in two steps: features, then a run like any other."""

import functools
import hashlib
import logging
import os
from pathlib import Path

from dlcv import files, registry
from dlcv.api import (
    Observers,
    RunConfig,
    RunDirectory,
    backend,
    configured,
    new_directory,
)
from dlcv.errors import DlcvError
from dlcv.interfaces import evolve
from dlcv.registry import Spec, SpecList
from dlcv_plugins.kinds.classifier import Classifier
from dlcv_plugins.trainers.features.configuration import CLASSIFIER, transfer_config
from dlcv_plugins.trainers.features.features import DESCRIPTION, Features
from dlcv_plugins.trainers.features.fitted_run import FittedRun, open_fitted
from dlcv_plugins.trainers.features.fitting import Fitted, fit_classifier
from dlcv_plugins.trainers.names import data_name

logger = logging.getLogger(__name__)
FIT_OPTIONS = ("evaluators", "threads")


def extract(
    base: str | os.PathLike[str] | None,
    out: str | os.PathLike[str],
    *,
    weights: str | os.PathLike[str] | None = None,
    layer: str | None = None,
    force: bool = False,
    **options: object,
) -> Features:
    """Writes the features that a trained body extracts from a data set's images into a folder.

    Args:
        base: The network whose body is used, such as `vgg16`; or a run; None for the smallest
            network whose weights are installed.
        out: The folder; an extraction that was stopped there continues.
        weights: `imagenet`, or a run or a file; ImageNet's if left out, where the network has them.
        layer: The layer whose output is taken; the last of the body if left out.
        force: Whether a folder of features may be replaced.
        options: Options of `RunConfig` and of its split, such as `data`, `preprocessors`.

    Raises:
        DlcvError: something in the options or the data is wrong, or the folder exists.
        KeyboardInterrupt: after ctrl+c; the same call continues from there.
    """
    from dlcv_plugins.trainers.features.extraction import extract_to, refuse_existing

    refuse_existing(Path(out), force=force)
    config = transfer_config(base, weights=weights, layer=layer)
    config, yielding = configured(config, options)
    return extract_to(Path(out), config, yielding=yielding, force=force)


def fit(
    features: "str | os.PathLike[str] | Features",
    *,
    classifier: str | Spec | Classifier | None = None,
    name: str | None = None,
    runs: str | os.PathLike[str] = "runs",
    force: bool = False,
    **options: object,
) -> FittedRun:
    """Fits a classifier to features and returns the run, which predicts from images.

    Args:
        features: A folder of features, or these opened.
        classifier: The classifier with its options; that of the extraction if left out.
        name: The run's name; by default one is made up.
        runs: The folder of all runs.
        force: Whether a run of that name may be replaced.
        options: `evaluators` and `threads`.

    Raises:
        DlcvError: the features or an option are wrong, a class has too few images, or the run
            exists.
    """
    if unknown := options.keys() - set(FIT_OPTIONS):
        raise DlcvError(
            f"fit takes {' and '.join(FIT_OPTIONS)}, not {', '.join(sorted(unknown))}; what "
            "decides the features was decided when they were extracted"
        )
    RunDirectory.refuse_existing(Path(runs), name, force=force)
    opened = features if isinstance(features, Features) else Features.open(features)
    config, _ = configured(opened.config, {"classifier": classifier, **options})
    return _fit_to(opened, config, name, Path(runs), force=force)


def transfer(
    base: str | os.PathLike[str] | None = None,
    *,
    weights: str | os.PathLike[str] | None = None,
    layer: str | None = None,
    classifier: str | Spec | Classifier = CLASSIFIER,
    name: str | None = None,
    runs: str | os.PathLike[str] = "runs",
    force: bool = False,
    **options: object,
) -> FittedRun:
    """Extracts features with a trained body and fits a classifier to them, in one go.

    Args:
        base: What `extract` takes.
        weights: What `extract` takes.
        layer: What `extract` takes.
        classifier: The classifier with its options.
        name: The run's name; by default one is made up.
        runs: The folder of all runs.
        force: Whether a run of that name may be replaced.
        options: Options of `RunConfig` and of its split, such as `data`, `preprocessors`.

    Raises:
        DlcvError: what `extract` and `fit` raise.
        KeyboardInterrupt: after ctrl+c; the same call continues from there.
    """
    config = transfer_config(base, weights=weights, layer=layer)
    config, yielding = configured(config, {"classifier": classifier, **options})
    return run_transfer(config, yielding, name, Path(runs), force=force)


def run_transfer(
    config: RunConfig, yielding: list[str], name: str | None, runs: Path, *, force: bool
) -> FittedRun:
    """Extracts features and fits the classifier of a configuration; the features are removed.

    They exist until the work is done, so that the same call continues after a stop.
    """
    from dlcv_plugins.trainers.features.extraction import extract_to

    assert config.classifier is not None
    registry.create("classifier", config.classifier)
    RunDirectory.refuse_existing(runs, name, force=force)
    # The classifier and the evaluators do not decide the features.
    same = evolve(config, classifier=Spec(CLASSIFIER), evaluators=RunConfig().evaluators)
    described = f"{same.to_toml()}{sorted(yielding)}".encode(errors="surrogateescape")
    key = hashlib.sha256(described).hexdigest()[:12]
    folder = runs / f".features-{key}"
    if not (folder / DESCRIPTION).exists():
        # What a process left that was killed while it removed them.
        files.remove(folder)
    features = extract_to(folder, config, yielding=yielding, force=True, reuse=True)
    complete = evolve(features.config, classifier=config.classifier, evaluators=config.evaluators)
    run = _fit_to(features, complete, name, runs, force=force)
    # Without it, what a kill leaves of the others is no features.
    (folder / DESCRIPTION).unlink()
    files.remove(folder)
    return run


def _fit_to(
    features: Features, config: RunConfig, name: str | None, runs: Path, *, force: bool
) -> FittedRun:
    """Fits the classifier of a configuration, and makes a run of it."""
    backend.start(config.threads or backend.available_threads())
    from dlcv_plugins.trainers.features.writing import (
        check_complete,
        write_figures,
        write_network,
    )

    check_complete(features)
    assert config.classifier is not None
    classifier = registry.create("classifier", config.classifier)
    evaluators = registry.create_list("evaluator", config.evaluators)
    config = evolve(
        config,
        classifier=registry.spec_of(classifier),
        evaluators=SpecList(map(registry.spec_of, evaluators)),
    )
    train = features.splits["train"]
    logger.info(
        "fitting %s to %s features of %s images",
        config.classifier,
        f"{train.values.shape[1]:,}",
        f"{len(train):,}",
    )
    fitted = fit_classifier(classifier, train, config.threads or backend.available_threads())
    _log_fit(fitted)
    default_name = f"{_base_name(config.architecture)}-transfer-{data_name(config)}"
    write = functools.partial(write_network, features, config, (classifier, *evaluators), fitted)
    with new_directory(
        runs,
        name,
        default_name,
        write,
        force=force,
        is_worth_keeping=lambda made: made.is_finished,
    ) as directory:
        run = open_fitted(directory.path)
        observers = Observers(config)
        with observers.following(run):
            run.results = write_figures(directory, features, evaluators, fitted)
            directory.settle()
            run.features = features.splits
            observers.finished(run)
            run.features = None
    return run


def _log_fit(fitted: Fitted) -> None:
    """Logs what came of the search, and how long it took."""
    for name, score in fitted.scores.items():
        logger.info("%s: %.2f %% in the cross-validation", name, 100 * score)
    best = ", ".join(f"{name}={value:g}" for name, value in fitted.best.items())
    logger.info("fitted in %.1f s%s", fitted.seconds, f" with the best, {best}" if best else "")


def _base_name(architecture: Spec) -> str:
    """Returns the name of the network whose body is used."""
    base = architecture.options.get("base")
    return _base_name(base) if isinstance(base, Spec) else architecture.name

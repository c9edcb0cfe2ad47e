"""The page of a report: what is on it, in its order."""

import datetime
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import attrs
import numpy as np

from dlcv import pages
from dlcv.data.sources import Dataset
from dlcv.interfaces import Table
from dlcv.progress import duration
from dlcv.report.drawings import Drawn, drawn, training_curves
from dlcv.report.evaluations import LAST, Evaluated, evaluated
from dlcv.report.facts import facts_of
from dlcv.report.pictures import Picture, Pictures
from dlcv.report.rules import next_steps, percent
from dlcv.report.subject import Subject
from dlcv.report.tables import Shown, shown

TITLES = {
    "rank": "Rank",
    "ensemble": "Members and ensemble",
    "classification_report": "By class",
    "confusion": "Confusion",
    "calibration": "Calibration",
    "binary_scores": "Two classes",
    "worst_mistakes": "Worst mistakes",
}
"""The titles of sections; others have their evaluator's name."""
Interval = tuple[float, float]
LONGEST_NAME = 64
"""Longer names are cut, in characters; fingerprints are as long."""
SAMPLES = 9
SEED = 42
"""Of the choice of the sample predictions."""


@attrs.frozen
class Section:
    """What an evaluator found, to be shown."""

    name: str
    title: str
    tables: list[Shown]
    drawings: list[Drawn]
    problem: str


@attrs.frozen
class Sample:
    """An image with what it shows, and what the network says of it."""

    picture: Picture
    true: str
    predicted: str
    probability: str
    is_right: bool


def page(subject: Subject, data: Dataset | None = None) -> tuple[str, Pictures]:
    """Returns the page of a report, and the pictures that went into it.

    Args:
        subject: The run.
        data: Its data, where it is open already.
    """
    known = {each.name: each.evaluation for each in subject.evaluated}
    found = evaluated(subject.predictions, subject.run.evaluators, known)
    pictures = Pictures(subject, data)
    accuracy, interval = _accuracy(found)
    facts = facts_of(subject, accuracy)
    sections = [_section(each, pictures) for each in _without_repetition(found)]
    content = pages.render(
        "report.html",
        script="sort.js",
        version=version("dlcv"),
        today=datetime.date.today().isoformat(),
        subject=subject,
        name=subject.name,
        longest=LONGEST_NAME,
        headline=_headline(subject, accuracy, interval),
        curves=training_curves(subject),
        epochs=_epochs(subject),
        facts=facts,
        steps=next_steps(facts) if facts else [],
        percent=percent,
        metrics=_metrics(found),
        sections=[s for s in sections if s.name != LAST and _has_content(s)],
        mistakes=next((s for s in sections if s.name == LAST and _has_content(s)), None),
        samples=_samples(subject, pictures),
        pictures=pictures,
        settings=_settings(subject),
        splits=_splits(subject),
        versions=_versions(subject),
        toml=subject.config.to_toml(),
    )
    return content, pictures


def _accuracy(found: dict[str, Evaluated]) -> tuple[float | None, Interval | None]:
    """Returns the accuracy and its interval, where they are known: of members, together."""
    for evaluator, metric in (("ensemble", "ensemble_rank1"), ("rank", "rank1")):
        if evaluator in found and metric in found[evaluator].evaluation.metrics:
            evaluation = found[evaluator].evaluation
            return evaluation.metrics[metric], evaluation.intervals.get(metric)
    return None, None


def _headline(
    subject: Subject, accuracy: float | None, interval: Interval | None
) -> list[tuple[str, str, str]]:
    """Returns the figures on top: a value, what it is, and more about it."""
    of = f"on {len(subject.predictions.labels):,} images of {subject.split}"
    figures = []
    if accuracy is not None:
        low, high = interval or (accuracy, accuracy)
        words = f"95 %: {100 * low:.2f} to {percent(high)}" if interval else ""
        figures.append((percent(accuracy), f"accuracy {of}", words))
        figures.append((percent(subject.largest_class), "guessing the largest class", ""))
    figures.append((str(len(subject.predictions.label_names)), "classes", ""))
    if subject.is_ensemble:
        figures.append((f"{len(subject.members)}", "members", ""))
    elif rows := subject.members[0].history:
        figures.append((f"{len(rows)}", "epoch" if len(rows) == 1 else "epochs", ""))
    if subject.training_seconds:
        figures.append((duration(subject.training_seconds), "training", ""))
    if parameters := subject.environment.get("parameters"):
        figures.append((f"{parameters * len(subject.members):,}", "parameters", ""))
    return figures


def _metrics(found: dict[str, Evaluated]) -> Shown:
    """Returns all metrics with their intervals; one that two evaluators give is there once."""
    rows: dict[str, tuple[str, str, str]] = {}
    for each in found.values():
        for row in each.evaluation.rows():
            rows.setdefault(row[0], row)
    numeric = (False, True, False)
    return Shown("", ("metric", "value", "95 % interval"), numeric, tuple(rows.values()))


def _without_repetition(found: dict[str, Evaluated]) -> list[Evaluated]:
    """Returns what was found, without tables that a later evaluator gives under the same title."""
    last = {t.title: each.name for each in found.values() for t in each.evaluation.tables.values()}
    return [
        attrs.evolve(
            each,
            evaluation=attrs.evolve(
                each.evaluation,
                tables={
                    name: table
                    for name, table in each.evaluation.tables.items()
                    if last[table.title] == each.name
                },
            ),
        )
        for each in found.values()
    ]


def _section(each: Evaluated, pictures: Pictures) -> Section:
    tables = [shown(table, pictures.picture) for table in each.evaluation.tables.values()]
    title = TITLES.get(each.name, each.name)
    return Section(each.name, title, tables, drawn(each.evaluation.drawings), each.problem)


def _has_content(section: Section) -> bool:
    return bool(section.tables or section.drawings or section.problem)


def _samples(subject: Subject, pictures: Pictures) -> list[Sample]:
    """Returns some of the held-out images, chosen at random, with what is said of them."""
    predictions = subject.predictions
    count = len(predictions.labels)
    chosen = np.random.default_rng(SEED).choice(count, min(SAMPLES, count), replace=False)
    names = predictions.label_names
    probabilities = predictions.combined
    samples = []
    for index in chosen:
        row = probabilities[index]
        true, predicted = int(predictions.labels[index]), int(row.argmax())
        samples.append(
            Sample(
                pictures.picture(predictions.sample_ids[index]),
                names[true],
                names[predicted],
                percent(float(row[predicted])),
                true == predicted,
            )
        )
    return samples


def _epochs(subject: Subject) -> Shown | None:
    """Returns the history; None where there are no epochs, or several members."""
    rows = subject.members[0].history
    if subject.is_ensemble or not rows:
        return None
    columns = tuple(rows[0])
    return shown(Table("", columns, tuple(tuple(row[c] for c in columns) for row in rows)))


def _settings(subject: Subject) -> list[tuple[str, str]]:
    """Returns what decides the numbers, in words."""
    config, environment = subject.config, subject.environment
    height, width, channels = environment["input_shape"]
    settings = [
        ("network", str(config.architecture)),
        ("input", f"{height} x {width} pixels, {'grey' if channels == 1 else 'color'}"),
        ("data", config.data),
        ("preprocessors", str(config.preprocessors)),
        *([("classifier", str(config.classifier))] if config.classifier else []),
        *((f"stage {i}", text) for i, text in enumerate(_stages(subject), start=1)),
        ("seed", str(config.seed)),
        ("precision", config.precision),
    ]
    if initial := environment.get("initial_weights"):
        settings.append(("initial weights", initial["path"]))
    return settings


def _stages(subject: Subject) -> Sequence[str]:
    config = subject.config
    return [
        f"{stage.last_epoch} epochs of {stage.optimizer}, {stage.schedule}, batches of "
        f"{stage.batch_size or config.batch_size}, trained: {stage.trainable}"
        for stage in config.stages
    ]


def _splits(subject: Subject) -> Shown:
    data: dict[str, Any] = subject.environment["data"]
    rows = tuple(
        (name, subject.images(name), fingerprint)
        for name, fingerprint in data["fingerprints"].items()
    )
    return shown(Table("", ("split", "images", "fingerprint"), rows))


def _versions(subject: Subject) -> list[tuple[str, str]]:
    environment = subject.environment
    threads = environment.get("threads")
    plugins = ", ".join(
        f"{plugin['name']} ({plugin['distribution']} {plugin['version']})"
        for plugin in environment["plugins"]
    )
    return [
        ("machine", f"{environment['processor']}, {environment.get('platform', '')}"),
        ("threads", str(threads or "")),
        ("back end", environment["back_end"]),
        ("Python", str(environment.get("python", ""))),
        *environment["libraries"].items(),
        ("plugins", plugins),
    ]

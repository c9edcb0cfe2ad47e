"""From a run to the facts that the rules of what to do next ask about."""

import logging

from dlcv.errors import DlcvError
from dlcv.registry.spec import SpecList
from dlcv.report.evaluations import evaluated
from dlcv.report.findings import Epoch, Facts, Measured
from dlcv.report.subject import Subject
from dlcv.training.history import of_stage

logger = logging.getLogger(__name__)
TRAIN_VALIDATION = "train_val"


def facts_of(subject: Subject, accuracy: float | None) -> Facts | None:
    """Returns the facts; None where there are no epochs, or several members.

    Args:
        subject: A run.
        accuracy: On its held-out images, from 0 to 1; None where it is not known.
    """
    run = subject.members[0]
    rows = of_stage(run.history, len(run.config.stages) - 1)
    if accuracy is None or subject.is_ensemble or not rows:
        return None
    trained = run.trained_row
    test = Measured(accuracy, len(subject.predictions.labels))
    return Facts(
        training=Measured(trained["accuracy"], subject.images("train") or test.images),
        train_validation=_train_validation(subject),
        validation=Measured(trained["val_accuracy"], subject.images("val") or test.images),
        test=None if subject.tests_what_it_validates else test,
        largest_class=subject.largest_class,
        epochs=tuple(Epoch(r["loss"], r["val_loss"], r["learning_rate"]) for r in rows),
    )


def _train_validation(subject: Subject) -> Measured | None:
    """Returns the accuracy on the train-validation images, which the network may have to see."""
    if not subject.images(TRAIN_VALIDATION):
        return None
    try:
        predictions = subject.run.predictions(split=TRAIN_VALIDATION)
    except DlcvError as error:
        logger.warning("the report says nothing of the train-validation images: %s", error)
        return None
    found = evaluated(predictions, SpecList())["rank"].evaluation
    return Measured(found.metrics["rank1"], len(predictions.labels))

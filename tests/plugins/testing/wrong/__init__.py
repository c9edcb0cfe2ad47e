"""Plugins that are wrong in one way each, as data: a table for each kind.

A table has, by what is wrong, a function that makes the plugin, and the names of the checks that
catch it, without `check_`; `...` among them stands for others besides. `making` is there where the
plugin can't even be made. Plugins that a new process has to import are classes of these modules.

No module here imports Keras or scikit-learn, since plugins are checked for that.
"""

from wrong import (
    architectures,
    checks,
    classifiers,
    common,
    evaluators,
    executors,
    groupings,
    preprocessors,
    schedules,
    sections,
    stores,
    trainers,
)

TABLES = {
    "any": common.WRONG,
    "preprocessor": preprocessors.WRONG,
    "store": stores.WRONG,
    "architecture": architectures.WRONG,
    "schedule": schedules.WRONG,
    "evaluator": evaluators.WRONG,
    "classifier": classifiers.WRONG,
    "check": checks.WRONG,
    "section": sections.WRONG,
    "trainer": trainers.WRONG,
    "grouping": groupings.WRONG,
    "executor": executors.WRONG,
}
"""By kind; those of trackers and exporters are in the tests of their checks."""

"""A search in figures: a row a trial, and how far the best one's validation can be trusted."""

from optuna.trial import FrozenTrial, TrialState

from dlcv_plugins.commands.search.search import Found
from dlcv_plugins.commands.search.storage import loss_of, shown
from dlcv_plugins.recorded_metrics import from_json
from dlcv_plugins.wording import duration

SHOWN_TRIALS = 15
"""So many are listed on the terminal; the page has all of them."""
STATES = {TrialState.COMPLETE: "", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


def rows(found: Found, *, every: bool = False) -> tuple[list[str], list[list[str]]]:
    """Returns the columns of the table of trials, and its rows, the best first.

    Args:
        found: The search.
        every: Whether all trials are there, or the first of them only.
    """
    names = [dimension.name for dimension in found.search.space]
    columns = ["trial", "loss", "accuracy", *names, "epochs", "time", "remarks"]
    trials = found.trials if every else found.trials[:SHOWN_TRIALS]
    return columns, [_row(trial, names) for trial in trials]


def _row(trial: FrozenTrial, names: list[str]) -> list[str]:
    known, loss = trial.user_attrs, loss_of(trial)
    remark = STATES[trial.state]
    if "reason" in known:
        remark += f": {known['reason']}"
    return [
        str(trial.number + 1),
        f"{loss:.4f}" if loss < float("inf") else "",
        f"{100 * known['accuracy']:.2f} %" if "accuracy" in known else "",
        *(shown(trial.params.get(name, "")) for name in names),
        str(known.get("epoch", "")),
        duration(known["seconds"]) if "seconds" in known else "",
        remark,
    ]


def optimism(found: Found) -> str:
    """Returns how optimistic the best trial's validation accuracy is, in sentences."""
    best = found.complete[0]
    compared = sum(trial.state != TrialState.FAIL for trial in found.trials)
    validated = 100 * best.user_attrs["accuracy"]
    chosen = (
        f"Trial {best.number + 1} was chosen as the best of {compared} on the validation images, "
        f"so its accuracy there, {validated:.2f} %, is optimistic"
    )
    if found.best is None:
        return f"{chosen}. It is not tested yet."
    recorded = found.best.directory.read_json("metrics")
    if recorded["split"] != "test":
        return (
            f"{chosen}. The data has no test images, so by how much is not known: add --test 0.2."
        )
    evaluation = from_json(recorded)
    on = f"{chosen}. On {recorded['images']:,} test images that no trial has seen it has"
    if "rank1" not in evaluation.metrics:
        figures = ", ".join(f"{name} {value:.4f}" for name, value in evaluation.metrics.items())
        return f"{on} {figures}. Report those figures."
    value, between = evaluation.text("rank1")
    tested = 100 * evaluation.metrics["rank1"]
    within = f" (95 % interval {between})" if between else ""
    return (
        f"{on} {value}{within}, {abs(validated - tested):.2f} points "
        f"{'less' if tested <= validated else 'more'}. Report that figure."
    )

"""The page of a search: its figures, Optuna's own plots, and all trials."""

import base64
import io
import logging
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from dlcv.errors import first_line
from dlcv_plugins import pages
from dlcv_plugins.commands.search.results import optimism, rows
from dlcv_plugins.commands.search.search import Found
from dlcv_plugins.commands.search.storage import shown
from dlcv_plugins.wording import duration

logger = logging.getLogger(__name__)
PLOTS = {
    "plot_optimization_history": "The validation loss of each trial, and the best so far",
    "plot_parallel_coordinate": "A line a trial through its values; dark lines have a low loss",
    "plot_param_importances": "How much of the difference in loss each varied option explains",
    "plot_intermediate_values": "The validation loss by epoch; trials that end early were pruned",
}
"""Optuna's functions, and what each shows."""
NAMES = {
    "Objective Value": "validation loss",
    "Intermediate Value": "validation loss",
    "Best Value": "best so far",
    "Step": "epoch",
    "Trial": "trial",
}
"""Optuna's names for what has another name here."""
MOST_NAMED = 12
"""Trials that a legend names."""


def write_page(found: Found) -> None:
    """Writes `search.html` into the folder of the search; one that is there is replaced."""
    columns, cells = rows(found, every=True)
    counts = {
        name: sum(trial.state == state for trial in found.trials)
        for name, state in (
            ("complete", TrialState.COMPLETE),
            ("pruned", TrialState.PRUNED),
            ("failed", TrialState.FAIL),
        )
    }
    page = pages.render(
        "search.html",
        script=("sort.js", "tips.js"),
        name=found.search.folder.resolve().name,
        best=found.complete[0],
        params=[f"{n} = {shown(v)}" for n, v in found.complete[0].params.items()],
        counts=counts,
        seconds=duration(sum(_seconds(trial) for trial in found.trials)),
        optimism=optimism(found),
        plots=_plots(found),
        columns=columns,
        rows=cells,
        config=found.best.config.to_toml() if found.best else "",
    )
    pages.write(found.page, page)


def _seconds(trial: FrozenTrial) -> float:
    return float(trial.user_attrs.get("seconds", 0.0))


def _plots(found: Found) -> list[tuple[str, str]]:
    """Returns what each of Optuna's plots shows, and its picture as an address."""
    if len(found.complete) < 2:
        return []
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import optuna.visualization.matplotlib as visualization

    made = []
    for name, title in PLOTS.items():
        try:
            axes = getattr(visualization, name)(found.search.study)
            _name_as_elsewhere(axes)
            _color_visibly(axes)
            made.append((title, _picture(axes.figure)))
        except Exception as error:
            # Such as importances where all losses are the same.
            logger.warning("the page lacks %s: %s", name, first_line(error))
        finally:
            plt.close("all")
    return made


def _name_as_elsewhere(axes: Any) -> None:
    """Calls the value a loss, and counts trials from 1 as the rest of the page does."""
    if axes.get_xlabel() == "Trial":
        axes.xaxis.set_major_formatter(lambda position, _: f"{position + 1:g}")
    ticks = [text.get_text() for text in axes.get_xticklabels()]
    if not NAMES.keys().isdisjoint(ticks):
        axes.set_xticklabels([NAMES.get(tick, tick) for tick in ticks])
    for each in axes.figure.axes:
        each.set_xlabel(NAMES.get(each.get_xlabel(), each.get_xlabel()))
        each.set_ylabel(NAMES.get(each.get_ylabel(), each.get_ylabel()))
    legend = axes.get_legend()
    if legend is None:
        return
    texts = legend.get_texts()
    if len(texts) > MOST_NAMED:
        legend.remove()
        return
    for text in texts:
        name = text.get_text()
        number = name.removeprefix("Trial")
        text.set_text(f"trial {int(number) + 1}" if number.isdecimal() else NAMES.get(name, name))


def _color_visibly(axes: Any) -> None:
    """Colours the lines of trials anew: that of the highest loss is nearly white in Optuna."""
    for lines in axes.collections:
        lines.set_cmap("viridis")


def _picture(figure: Any) -> str:
    figure.set_size_inches(9, 4.5)
    figure.tight_layout()
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"

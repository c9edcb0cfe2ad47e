"""The page of `dlcv auto`: the ladder of what was tried, and the reasons."""

from typing import Any

from dlcv import files
from dlcv.errors import json_text
from dlcv_plugins import pages
from dlcv_plugins.commands.auto.auto import Auto
from dlcv_plugins.commands.auto.ladder import Rung
from dlcv_plugins.evaluators.intervals import wilson
from dlcv_plugins.recorded_metrics import from_json
from dlcv_plugins.wording import duration

PAGE, LADDER = "auto.html", "auto.json"
COLUMNS = ("tried", "time", "validation", "95 % interval", "loss", "remarks")


def write_page(found: Auto) -> None:
    """Writes `auto.html`, and what it is made of as `auto.json`, into the run's directory."""
    content = {
        "seconds": round(found.seconds, 1),
        "tried": [_plain(rung) for rung in found.rungs],
        "chosen": found.chosen.what,
        "reasons": found.reasons,
    }
    files.write_atomically(found.run.path / LADDER, json_text(content) + "\n")
    page = pages.render(
        "auto.html",
        script="sort.js",
        name=found.run.path.name,
        seconds=duration(found.seconds),
        chosen=found.chosen.what,
        tested=tested(found),
        columns=COLUMNS,
        rows=ladder(found),
        reasons=found.reasons,
    )
    pages.write(found.run.path / PAGE, page)


def ladder(found: Auto) -> list[tuple[str, ...]]:
    """Returns a row for each thing that was tried, in order."""
    rows: list[tuple[str, ...]] = []
    for rung in found.rungs:
        candidate = rung.candidate
        seconds = duration(rung.seconds) if rung.seconds else ""
        if candidate is None:
            rows.append((rung.what, seconds, "", "", "", rung.remark))
            continue
        low, high = wilson(candidate.right, len(candidate.labels))
        rows.append(
            (
                rung.what,
                seconds,
                f"{100 * candidate.accuracy:.2f} %",
                f"{100 * low:.1f} to {100 * high:.1f} %",
                f"{candidate.loss:.4f}",
                "chosen" if candidate is found.chosen else "",
            )
        )
    return rows


def tested(found: Auto) -> str:
    """Returns what the test of the chosen one gave, in a sentence."""
    recorded = found.run.directory.read_json("metrics")
    evaluation = from_json(recorded)
    if "rank1" not in evaluation.metrics:
        return ", ".join(f"{name} {value:.4f}" for name, value in evaluation.metrics.items())
    value, between = evaluation.text("rank1")
    if recorded["split"] != "test":
        return (
            f"{value} on the validation images, by which it was chosen, for the data has no test "
            "images"
        )
    return f"{value} on {recorded['images']:,} test images (95 % interval {between})"


def _plain(rung: Rung) -> dict[str, Any]:
    found = rung.candidate
    return {
        "what": rung.what,
        "seconds": round(rung.seconds, 1),
        "remark": rung.remark,
        **({} if found is None else {
            "accuracy": found.accuracy, "images": len(found.labels), "loss": found.loss,
            "runs": [str(path) for path in found.paths],
        }),
    }  # fmt: skip

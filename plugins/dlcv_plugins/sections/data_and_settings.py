"""What a run was trained on, and how."""

from typing import ClassVar

from dlcv.interfaces import Table, plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Details, Pairs, Preformatted, Section, SectionContent


@plugin
class DataAndSettings(Section):
    """Lists the splits with their fingerprints, the settings, and the whole configuration."""

    order: ClassVar[int] = 800

    def render(self, run: FinishedRun) -> SectionContent:
        """A table, pairs of names and values, and `run.toml` on request."""
        fingerprints = run.environment["data"]["fingerprints"]
        rows = tuple((name, run.images(name), value) for name, value in fingerprints.items())
        return SectionContent(
            "Data and settings",
            (
                Pairs(tuple(_settings(run))),
                Table("", ("split", "images", "fingerprint"), rows),
                Details(
                    "The whole configuration, run.toml",
                    (Preformatted(run.config.to_toml()),),
                    is_printed=True,
                ),
            ),
        )


def _settings(run: FinishedRun) -> list[tuple[str, str]]:
    """Returns what decides the numbers, in words."""
    config, environment = run.config, run.environment
    height, width, channels = environment["input_shape"]
    settings = [
        ("network", str(config.architecture)),
        ("input", f"{height} x {width} pixels, {'gray' if channels == 1 else 'color'}"),
        ("data", config.data),
        ("preprocessors", str(config.preprocessors)),
        *([("classifier", str(config.classifier))] if config.classifier else []),
        *((f"stage {i}", text) for i, text in enumerate(_stages(run), start=1)),
        ("seed", str(config.seed)),
        ("precision", config.precision),
    ]
    if initial := environment.get("initial_weights"):
        settings.append(("initial weights", initial["path"]))
    return settings


def _stages(run: FinishedRun) -> list[str]:
    return [
        f"{stage.last_epoch} epochs of {stage.optimizer}, {stage.schedule}, batches of "
        f"{stage.batch_size or run.config.batch_size}, trained: {stage.trainable}"
        for stage in run.config.stages
    ]

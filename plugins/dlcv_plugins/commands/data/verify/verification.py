"""Compares the files of a packed data set with the checksums recorded when it was packed."""

from pathlib import Path

import attrs

from dlcv.errors import DlcvError
from dlcv.interfaces import DESCRIPTION
from dlcv_plugins import storage
from dlcv_plugins.commands.data.packed_description import recorded_files


@attrs.frozen
class Verification:
    """The state of a data set's files, by their names.

    Attributes:
        good: Those that are as they were.
        damaged: Those that are not, with what is wrong.
        missing: Those that are gone.
        unknown: Those that are there and were not recorded.
    """

    good: tuple[str, ...]
    damaged: dict[str, str]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether everything that was recorded is there as it was."""
        return not self.damaged and not self.missing


def verify_files(folder: Path) -> Verification:
    """Reads every file of a packed data set and compares it with its checksum.

    Raises:
        DlcvError: the folder holds no packed data set, or its description is damaged.
    """
    records = recorded_files(folder)
    there = {path.name for path in folder.iterdir()}
    damaged = {}
    for name in sorted(there & set(records)):
        try:
            storage.check_record(folder / name, records[name], always=True)
        except DlcvError as error:
            damaged[name] = str(error)
        except OSError as error:
            damaged[name] = f"{folder / name} can't be read: {error.strerror}"
    return Verification(
        good=tuple(sorted((there & set(records)) - set(damaged))),
        damaged=damaged,
        missing=tuple(sorted(set(records) - there)),
        unknown=tuple(sorted(there - set(records) - {DESCRIPTION})),
    )

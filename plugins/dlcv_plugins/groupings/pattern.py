"""Groups by a part of the images' names."""

import re
from collections.abc import Sequence

from dlcv.errors import DlcvError
from dlcv.interfaces import DatasetStore, LabelledImages, option, plugin
from dlcv_plugins.groupings.named import NamedGrouping, paths_below


@plugin
class Pattern(NamedGrouping):
    """Keeps images together by a part of their names, as in `pattern(regex="(patient[0-9]+)_")`."""

    regex: str = option(
        help="a regular expression (Python's re) that is searched in each path below the data "
        "set's folder; what its groups in parentheses match, else the whole match, names the group"
    )

    def names(self, images: LabelledImages, store: DatasetStore) -> Sequence[str]:
        """Returns what the expression matches in each path.

        Raises:
            DlcvError: it is no regular expression, or does not match a name.
        """
        try:
            regex = re.compile(self.regex)
        except re.error as error:
            raise DlcvError(f"pattern: {self.regex} is no regular expression: {error}") from None
        found = []
        for path in paths_below(images, store):
            match = regex.search(path.as_posix())
            if match is None:
                raise DlcvError(f"pattern: {self.regex} matches nothing in {path}")
            found.append("\0".join(part or "" for part in match.groups() or (match[0],)))
        return found

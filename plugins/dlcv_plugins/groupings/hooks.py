"""Finds the groups of images that a division keeps together, by all groupings that are named."""

from typing import TYPE_CHECKING

from dlcv import hook, registry
from dlcv.errors import PluginError

if TYPE_CHECKING:
    import numpy as np

    from dlcv.api import SpecList
    from dlcv.interfaces import DatasetStore, LabelledImages


@hook
def dlcv_groups(
    images: "LabelledImages", store: "DatasetStore", groups: "SpecList", threads: int
) -> "np.ndarray":
    """Returns groups that are as large as they must be for all groupings to be kept."""
    import numpy as np

    from dlcv_plugins.similarity.groups import Groups

    joined = Groups(len(images))
    for grouping in registry.create_list("grouping", groups):
        ids = np.asarray(grouping.group_ids(images, store, threads))
        if ids.shape != (len(images),) or ids.dtype.kind not in "iu":
            raise PluginError(
                f"{registry.spec_of(grouping).name} returned {ids.dtype} of shape {ids.shape}; a "
                f"grouping returns a whole number for each of the {len(images)} images"
            )
        _, first, position = np.unique(ids, return_index=True, return_inverse=True)
        joined.join(first[position], np.arange(len(ids)))
    return joined.leaders()

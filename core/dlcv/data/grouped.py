"""Dividing images whose groups stay together, with classes near the shares asked for.

scikit-learn's StratifiedGroupKFold takes a minute for 60,000 images in pairs, and this two seconds.
"""

import numpy as np


def has_groups(groups: np.ndarray | None) -> bool:
    """Returns whether some group has two images or more."""
    return groups is not None and len(np.unique(groups)) < len(groups)


def grouped_part(labels: np.ndarray, groups: np.ndarray, wanted: int, seed: int) -> np.ndarray:
    """Returns which images to take, `(N,)` bool, so that no group is divided.

    Groups of several images are taken in random order, each if it brings the classes nearer to
    their shares of all such groups. Single images fill up each class at random, so that it is exact
    where enough are single. A class that is missing on one side gets its smallest group there, if
    that leaves all classes on the other.

    Args:
        labels: `(N,)`, the classes, from 0.
        groups: `(N,)`, a number for each image's group.
        wanted: How many images to take.
        seed: The seed of the random order.
    """
    rng = np.random.default_rng(seed)
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    members = np.split(np.argsort(group, kind="stable"), np.cumsum(sizes)[:-1])
    is_single = sizes[group] == 1
    is_taken = np.zeros(len(labels), bool)
    totals = np.bincount(labels[~is_single], minlength=labels.max() + 1)
    wish = wanted / len(labels) * totals
    for place in rng.permutation(np.flatnonzero(sizes > 1)):
        found, counts = np.unique(labels[members[place]], return_counts=True)
        # So much the squared distances to the wishes change, each by the size of its class.
        if np.sum(counts * (counts - 2 * wish[found]) / totals[found]) < 0:
            is_taken[members[place]] = True
            wish[found] -= counts
    ideal = wanted * np.bincount(labels) / len(labels)
    quota = np.floor(ideal).astype(int)
    quota[np.argsort(quota - ideal, kind="stable")[: wanted - quota.sum()]] += 1
    lacking = quota - np.bincount(labels[is_taken], minlength=len(quota))
    for label, count in enumerate(lacking.clip(min=0)):
        of_class = rng.permutation(np.flatnonzero(is_single & (labels == label)))
        is_taken[of_class[:count]] = True
    for side in (True, False):
        for label in np.setdiff1d(labels, labels[is_taken == side]):
            places = np.unique(group[labels == label])
            for place in places[np.argsort(sizes[places], kind="stable")]:
                others = labels[(is_taken != side) & (group != place)]
                if np.isin(labels[members[place]], others).all():
                    is_taken[members[place]] = side
                    break
    return is_taken

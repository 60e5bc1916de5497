"""otsu: where to cut numbers in two."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: Bins of the histogram.
BINS = 128


def otsu(values: npt.NDArray[Any]) -> float:
    """The cut that leaves the greatest variance between the two sides (Otsu, "A threshold selection method from
    gray-level histograms", IEEE SMC 1979), over 128 equal bins from the least to the greatest value.

    Args:
        values: [N], at least one, finite.

    Returns:
        The lower edge of the first bin of the upper side; the least value if all are alike, or one is not finite.
    """
    low, high = float(values.min()), float(values.max())
    if not high - low > 1e-9:
        return low
    bins = np.minimum(((values - low) * (BINS / (high - low))).astype(np.intp), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    below = np.cumsum(counts)[:-1]
    moment = np.cumsum(counts * np.arange(BINS))
    above = len(values) - below
    between = (moment[:-1] * len(values) - moment[-1] * below) ** 2 / (below * above)
    return low + (high - low) * (int(between.argmax()) + 1) / BINS

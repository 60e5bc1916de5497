"""Least squares with coefficients of 0 or more: a cost cannot fall with what is asked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def nonnegative(matrix: Array, target: Array) -> Array:
    """The x >= 0 that minimises |matrix x - target|, by an active set (Lawson and Hanson, Solving Least Squares
    Problems, 1974, algorithm 23.10).

    Args:
        matrix: float64 [samples, terms]; a term may be 0 throughout, its coefficient then is.
        target: float64 [samples].

    Returns:
        float64 [terms].
    """
    scale = np.linalg.norm(matrix, axis=0)
    scale[scale == 0] = 1.0
    scaled = matrix / scale
    x = np.zeros(matrix.shape[1])
    free = np.zeros(matrix.shape[1], bool)
    enough = 1e-10 * max(float(np.linalg.norm(target)), 1e-300)
    for _ in range(3 * len(x)):
        gain = np.where(free, -np.inf, scaled.T @ (target - scaled @ x))
        best = int(gain.argmax())
        if gain[best] <= enough:
            break
        free[best] = True
        while True:
            trial = np.zeros_like(x)
            trial[free] = np.linalg.lstsq(scaled[:, free], target, rcond=None)[0]
            low = free & (trial <= 0)
            if not low.any():
                break
            x = x + (trial - x) * float((x[low] / np.maximum(x[low] - trial[low], 1e-300)).min())
            free &= x > 1e-14
            x[~free] = 0.0
        x = trial
    return x / scale

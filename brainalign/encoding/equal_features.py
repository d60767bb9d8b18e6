"""The same number of features from models of different widths, so that predictivity compares at equal counts."""

import numpy as np
from numpy.typing import NDArray

from brainalign.errors import InputError


def project(states: NDArray[np.floating], n_features: int, rng: np.random.Generator) -> NDArray[np.float32]:
    r"""Project states to fewer features by a random orthonormal basis, one for all layers and sites.

    .. math:: z = Q^\top x, \quad Q \in R^{d \times k}, \; Q^\top Q = I

    With Q drawn evenly over all bases no direction of the model's space is favoured; with ``n_features`` equal to the
    width z is a rotation of x, which changes nothing for ridge regression.

    Parameters
    ----------
    states
        float, (..., width).
    n_features
        Between 1 and the width.
    rng
        Source of the basis.

    Returns
    -------
    float32, (..., n_features).

    Raises
    ------
    InputError
        More features are asked for than the states have.
    """
    width = states.shape[-1]
    if not 1 <= n_features <= width:
        raise InputError(f"expected between 1 and {width} features, found {n_features}: lower features")
    basis, triangle = np.linalg.qr(rng.standard_normal((width, n_features)))
    basis *= np.sign(np.diag(triangle))  # without it the bases are not drawn evenly (Mezzadri 2007, Notices AMS 54)
    return (states @ basis).astype(np.float32)

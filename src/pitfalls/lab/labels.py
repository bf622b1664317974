"""Labels, as a loss is given them."""

from typing import Any

import numpy as np


def with_last_axis(labels: Any) -> Any:
    """Return labels as (b, 1), whether they came so or as (b,); an array or a tensor of any framework."""
    return labels[:, np.newaxis] if len(labels.shape) == 1 else labels

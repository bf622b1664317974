"""Every private name of Keras that the lab relies on, one function each.

Known: Keras 3.15.
"""

import keras


def innermost_of(loss: keras.losses.Loss) -> str:
    """Return the name of the attribute that computes a loss after any repair of ranks.

    `MeanSquaredError.call` repairs ranks and then calls its `fn`, which sees the
    shapes after it; a `Loss` subclass computes in `call` on what it is given.
    """
    return "fn" if hasattr(loss, "fn") else "call"

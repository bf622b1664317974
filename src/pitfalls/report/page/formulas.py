"""Formulas: the closed forms that the page names, in numbers, and what their letters mean."""

import re

from pitfalls.claims import closed_forms as expectations

MEANINGS = {
    "V": "V = {V:g} is the variance of the mean",
    "S": "S = 2 V = {S:g}",
    "B": "B = 2 V (1 - 1/b) = {B:.2f}",
    "C": "C = V (1 - 1/b^2) = {C:.2f}",
    "q": "q is the share of rows that were measured apart",
    "b": "b = {b} is the batch size",
}


def closed_forms(high: int, batch_size: int) -> dict[str, float]:
    """Return the losses that the page names, by their letters, and the answer of a model that knows nothing."""
    return {
        "V": expectations.variance_of_mean(high),
        "S": expectations.stale_lambda_loss(high),
        "B": expectations.broadcast_lambda_loss(high, batch_size),
        "C": expectations.trainable_loss(high, batch_size, 0, broadcasts=True),
        "b": batch_size,
        "constant": (high - 1) / 2,
    }


def explained(formula: str, forms: dict[str, float]) -> str:
    """Say what the letters of a formula mean, those behind its equals sign if it defines one.

    Args:
        formula: In the letters of `expectations.formula`.
        forms: Their values, from `closed_forms`.
    """
    letters = re.findall(r"\b[A-Zqb]\b", formula.partition("=")[2] or formula)
    return ", ".join(MEANINGS[letter].format(**forms) for letter in dict.fromkeys(letters))

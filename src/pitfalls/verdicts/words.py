"""Words of claims: their numbers as a person writes them, and what the letters of a formula mean.

The terminal, the page and MLflow show them alike.
"""

import re
from decimal import Decimal

from pitfalls.results import Claim
from pitfalls.verdicts.records import ClosedForms

MEANINGS = {
    "V": "V = {V:g}, the variance of the mean",
    "S": "S = {S:g}, what a perfect fixed model pays for another batch's labels",
    "B": "B = {B:.2f}, what a perfect fixed model pays where every label meets every prediction",
    "C": "C = {C:.2f}, what a trained model pays where every label meets every prediction",
    "q": "q is the measured share of rows whose inputs and labels are independent",
    "b": "b = {b}, the rows of a batch",
}
"""The letters of the closed forms, with their values on a task."""


def number(value: float) -> str:
    """Print a loss with four digits, a large one without decimals: 0.0029, 416.6, 1685."""
    return f"{value:.0f}" if 1000 <= abs(value) < 1e6 else plain(value, 4)


def tolerance_text(tolerance: float) -> str:
    """Print a tolerance with two digits: 130, not 1.3e+02."""
    return plain(tolerance, 2)


def plain(value: float, digits: int) -> str:
    """Print a number with some digits; an exponent only where nobody would count the zeros: 2.9e21, 3e-8."""
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return text
    if 1e-6 <= abs(value) < 1e6:
        return f"{Decimal(text):f}"
    mantissa, exponent = text.split("e")
    return f"{mantissa}e{int(exponent)}"


def loss_text(claim: Claim) -> str:
    """Print a claimed loss with its tolerance, to the same decimal: 789 ± 130."""
    return f"{beside(claim.loss, claim.tolerance)} ± {tolerance_text(claim.tolerance)}"


def claim_text(claim: Claim | None) -> str:
    """Print a claim; a dagger marks one that follows a race's measured q."""
    if claim is None:
        return "none"
    return f"{loss_text(claim)}{' †' if claim.kind == 'race' else ''}"


def beside(loss: float, tolerance: float) -> str:
    """Print a loss with no more decimals than its tolerance has: 789 beside 130, not 788.9."""
    _, _, decimals = f"{Decimal(tolerance_text(tolerance)):f}".partition(".")
    rounded = f"{loss:.{len(decimals)}f}"
    return "0" if float(rounded) == 0 else min(rounded, number(loss), key=len)


def explained(formula: str, forms: ClosedForms | None) -> str:
    """Say what each letter of a formula is, with its value: `V = 416.625, the variance of the mean`.

    Args:
        formula: As a claim states it.
        forms: The letters' values; without them nothing is said.
    """
    if forms is None:
        return ""
    letters = dict.fromkeys(re.findall(r"\b[VSBCqb]\b", formula))
    return "; ".join(MEANINGS[letter].format(**forms.as_json()) for letter in letters)

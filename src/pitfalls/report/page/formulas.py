"""Formulas: what the letters of a closed form mean."""

import re

from pitfalls.verdicts.records import ClosedForms

MEANINGS = {
    "V": "V = {V:g} is the variance of the mean",
    "S": "S = 2 V = {S:g}",
    "B": "B = 2 V (1 - 1/b) = {B:.2f}",
    "C": "C = V (1 - 1/b^2) = {C:.2f}",
    "q": "q is the measured share of rows whose inputs and labels do not belong together",
    "b": "b = {b} is the batch size",
}


def explained(formula: str, forms: ClosedForms | None) -> str:
    """Say what the letters of a formula mean, those after its equals sign if it defines one.

    Args:
        formula: As a claim states it.
        forms: The letters' values; without them nothing is said.
    """
    if forms is None:
        return ""
    letters = re.findall(r"\b[A-Zqb]\b", formula.partition("=")[2] or formula)
    values = forms.as_json()
    return ", ".join(MEANINGS[letter].format(**values) for letter in dict.fromkeys(letters))

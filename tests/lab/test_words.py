"""Words: numbers as a person writes them, formulas with their letters, and why a mechanism leads to its claim."""

from dataclasses import replace

import pytest
from made_results import made_result

from pitfalls import claims
from pitfalls.project import Cell
from pitfalls.report.words import counted
from pitfalls.results import Claim, Task
from pitfalls.verdicts.everything import closed_forms_of
from pitfalls.verdicts.run import mechanism_of
from pitfalls.verdicts.words import claim_text, explained, number


@pytest.mark.parametrize(
    ("loss", "text"),
    [(0.0, "0"), (0.00288, "0.00288"), (0.00001234, "0.00001234"), (1685.2, "1685"), (2.9e21, "2.9e21")],
)
def test_a_number_is_printed_as_a_person_writes_it(loss, text):
    """An exponent only where nobody would count the zeros."""
    assert number(loss) == text


@pytest.mark.parametrize(
    ("loss", "tolerance", "text"),
    [
        (788.9, 131.2, "789 ± 130"),
        (416.96, 2.97, "417 ± 3"),
        (417.16, 4.15, "417.2 ± 4.2"),
        (0.0029706, 0.00079, "0.00297 ± 0.00079"),
        (0.0, 8.33e-05, "0 ± 0.000083"),
        (833.25, 8.33e-05, "833.2 ± 0.000083"),
        (2.9e21, 1.2e19, "2.9e21 ± 1.2e19"),
    ],
)
def test_a_claim_has_no_more_decimals_than_its_tolerance(loss, tolerance, text):
    """789 ± 130, not 788.9 ± 130."""
    claim = Claim(kind="closed_form", loss=loss, tolerance=tolerance, formula="V", reason="")
    assert claim_text(claim) == text
    assert claim_text(claim.with_changes(kind="race")) == f"{text} †"


FORMS = closed_forms_of(Task(high=100, batch_size=64))

EXPLAINED = {
    "0": "",
    "V": "V = 416.625, the variance of the mean",
    "S = 2 V": "S = 833.25, what a perfect fixed model pays for another batch's labels; "
    "V = 416.625, the variance of the mean",
    "q S + (1 - q) B": "q is the measured share of rows whose inputs and labels are independent; "
    "S = 833.25, what a perfect fixed model pays for another batch's labels; "
    "B = 820.23, what a perfect fixed model pays where every label meets every prediction",
    "C = V (1 - 1/b^2)": "C = 416.52, what a trained model pays where every label meets every prediction; "
    "V = 416.625, the variance of the mean; b = 64, the rows of a batch",
}


@pytest.mark.parametrize(("formula", "text"), EXPLAINED.items())
def test_the_letters_of_a_formula_are_explained_with_their_values(formula, text):
    """In the order of the formula, each once; without their values nothing is said."""
    assert explained(formula, FORMS) == text
    assert explained(formula, None) == ""


def test_one_is_singular():
    """1 run, 2 runs."""
    assert [counted(n, "run") for n in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]


REASONS = {
    "keras2 fresh_arrays dense": "inputs and labels reach the model as they were yielded.",
    "keras2 reused_inputs dense": (
        "the batch is read after its inputs were refilled, so inputs and labels are independent."
    ),
    "keras2 reused_pair mean_lambda": (
        "a batch is read after both its arrays were refilled, so inputs and labels still match."
    ),
    "keras3 flat_labels dense": (
        "inputs and labels reach the model as they were yielded; "
        "labels and predictions are given one rank before the loss."
    ),
    "custom_loop flat_labels dense": (
        "inputs and labels reach the model as they were yielded; "
        "the loss compares every label with every prediction."
    ),
    "custom_loop flat_labels flat_mean_lambda": (
        "inputs and labels reach the model as they were yielded; "
        "labels and predictions both lack their last axis, so they have one shape."
    ),
}


@pytest.mark.parametrize(("cell", "reason"), REASONS.items())
def test_a_reason_speaks_of_shapes_only_where_they_are_in_question(cell, reason):
    """Whole texts, one for each way from a mechanism to its claim."""
    result = made_result(Cell(*cell.split()).at(0))
    assert claims.of(mechanism_of(result), result.task).reason == reason


@pytest.mark.parametrize("trainable", [True, False])
def test_no_reason_says_that_a_model_learns(trainable):
    """A fixed one does not, and the reason is the same for both."""
    for cell in REASONS:
        result = made_result(Cell(*cell.split()).at(0))
        mechanism = replace(mechanism_of(result), trainable=trainable)
        assert "learn" not in claims.of(mechanism, result.task).reason

"""Detectors: each rule is shown the same batches, and finds its own fault and no other."""

import numpy as np
import pytest

from pitfalls import guard
from pitfalls.guard.findings import Finding
from pitfalls.guard.rules.aliasing import Aliasing
from pitfalls.guard.rules.detectors import few_of_each_part, first_of_each_array
from pitfalls.guard.rules.reading import Reading
from pitfalls.guard.rules.stability import Stability
from pitfalls.guard.rules.traps import RefusedWrites


def fresh():
    for i in range(4):
        yield np.full((3, 2), float(i)), np.ones(3)


def refilled():
    x = np.zeros((3, 2))
    for i in range(4):
        x[:] = i
        yield x, np.ones(3)


def growing():
    for i in range(4):
        yield np.full((3, 2 + i // 2), float(i)), np.ones(3)


def shorter_at_the_end():
    for i in range(4):
        yield np.full((3 - i // 3, 2), float(i)), np.ones(3 - i // 3)


def aliasing():
    return Aliasing(None, depth=10)


@pytest.mark.parametrize(
    ("detector", "batches", "found"),
    [
        (aliasing, fresh, []),
        (aliasing, growing, []),
        (aliasing, refilled, [("aliased-batch", "inputs", 0)]),
        (Stability, fresh, []),
        (Stability, refilled, []),
        (Stability, shorter_at_the_end, []),
        (Stability, growing, [("unstable-batch", "inputs", 2)]),
        (RefusedWrites, fresh, []),
    ],
)
def test_a_detector_finds_its_own_fault_and_no_other(detector, batches, found):
    """It sees every batch when it is made."""
    rule = detector()
    for index, batch in enumerate(batches()):
        rule.see(index, batch)
    assert [(finding.rule, finding.array, finding.batch) for finding in rule.findings()] == found


@pytest.mark.parametrize(
    ("strict", "detectors"),
    [(False, [Aliasing, Stability]), (True, [Aliasing, Stability, RefusedWrites])],
)
def test_a_reading_has_a_list_of_detectors(strict, detectors):
    """The write trap is among them where it is asked for."""
    reading = Reading(fresh(), None, 10, strict)
    assert [type(detector) for detector in reading.detectors] == detectors


def test_a_rule_of_ones_own_is_shown_every_batch():
    """Whatever follows the protocol will do."""

    class Counts:
        def __init__(self):
            self.seen = []

        def see(self, index, batch):
            self.seen.append((index, float(batch[0][0, 0])))

        def findings(self):
            return [Finding("counted", "inputs", len(self.seen), "", "")]

    reading, counts = Reading(fresh(), 3, 10, False), Counts()
    reading.detectors.append(counts)
    reading.run(None)
    assert counts.seen == [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert [(finding.rule, finding.batch) for finding in reading.findings()] == [("counted", 3)]


def finding(array, rule="aliased-batch", message=""):
    return Finding(rule, array, 0, message, "")


def test_of_each_part_of_a_batch_a_few_are_kept():
    """Four of the inputs, whatever they are called; the labels have their own four."""
    many = [finding(f"inputs[{i}]") for i in range(6)]
    assert few_of_each_part([*many, finding("labels"), finding("inputs.x")]) == [*many[:4], finding("labels")]


def test_of_one_rule_and_array_the_first_finding_is_kept():
    """A refused write to an array that was seen to change is the same news."""
    first, again = finding("inputs", message="changed"), finding("inputs", message="written to")
    other = finding("inputs", rule="unstable-batch")
    assert first_of_each_array([first, again, other]) == [first, other]


def test_a_strict_check_names_an_array_once():
    """Both the changed values and the refused write would say so."""
    report = guard.check(refilled(), strict=True)
    assert [(f.rule, f.array) for f in report] == [("aliased-batch", "inputs")]

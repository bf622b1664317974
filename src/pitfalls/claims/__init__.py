"""Paper: what each cell must measure, derived without the code that trains. NumPy alone."""

from pitfalls.claims.expectation import Expectation, of
from pitfalls.claims.mechanism import Mechanism

__all__ = ["Expectation", "Mechanism", "of"]

"""Paper: what each cell must measure, derived without the code that trains. NumPy alone."""

from pitfalls.claims.mechanism import Expectation, Mechanism, of

__all__ = ["Expectation", "Mechanism", "of"]

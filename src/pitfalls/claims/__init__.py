"""Paper: what each cell must measure, derived without the code that trains. NumPy alone."""

"""Stream: what a source yields, and where in memory and in the user's code it comes from. NumPy alone."""

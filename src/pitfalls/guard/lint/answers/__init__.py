"""Answers: the forms in which a report is printed."""

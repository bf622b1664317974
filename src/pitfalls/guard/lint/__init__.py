"""Lint: finds refilled batches by reading code; nothing that it reads is run.

A file is ruled out by its bytes, else parsed, and each function that hands something out is followed
along all its paths: what is allocated, what is a view of what, what is written, handed out, waited for.
Where it cannot tell, it says nothing.
"""

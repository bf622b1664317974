"""Command: ``pitfalls check``, which names a target, runs it in a child process, and prints what was found."""

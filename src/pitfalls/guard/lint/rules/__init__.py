"""Rules: which events are bugs, what each costs and how it is fixed; one small file for each kind."""

"""Workers: processes of this machine that train runs, and that may die alone."""

"""Where results and claims meet, and nowhere else."""

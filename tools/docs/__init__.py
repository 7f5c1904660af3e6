"""Pages of docs/ that are written from tables of the code, so that they cannot say something else."""

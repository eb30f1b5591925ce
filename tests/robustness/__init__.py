"""Faults and abuse, a file each: a short form, and a long one that `just soak` runs."""

"""What drives the core, and what the core drives."""

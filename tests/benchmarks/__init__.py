"""What things cost, measured beside peers in the same run: `just bench`."""

"""Drivers: HTTP and the command line."""

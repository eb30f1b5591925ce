"""A simulated fleet, sent to the real service: what `vehicle-anomaly demo` shows.

A client of the service like any other: it knows the HTTP interface and nothing of what is behind it.
"""

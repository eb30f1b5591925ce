"""Calls made from the OpenAPI document."""

"""The example's API."""

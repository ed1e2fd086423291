"""The example's web app."""

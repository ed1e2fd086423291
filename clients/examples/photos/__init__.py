"""The photos API."""

"""Poolhouse: an identity server that people own, which speaks Amazon Cognito's API and OpenID Connect."""

__version__ = "0.1.0"

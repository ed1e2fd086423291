"""Signing in through others: social and OpenID providers, an enterprise's SAML provider; who arrives becomes a user."""

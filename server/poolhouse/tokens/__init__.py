"""Tokens: signing keys and their rotation, claims, issue, refresh (families, reuse), verification, revocation.

Access and ID tokens are never stored; refresh tokens are stored as digests, in families that die together.
"""

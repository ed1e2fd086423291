"""The ways in which a passkey is turned down (Cognito's WebAuthn exceptions)."""

from __future__ import annotations

from poolhouse.core.errors import PoolhouseError


class WebAuthnChallengeNotFound(PoolhouseError):
    sentence = "The passkey challenge was not found."


class WebAuthnClientMismatch(PoolhouseError):
    sentence = "The passkey challenge belongs to another client."


class WebAuthnConfigurationMissing(PoolhouseError):
    sentence = "Passkeys are not configured."


class WebAuthnCredentialNotSupported(PoolhouseError):
    sentence = "The passkey is not supported."


class WebAuthnNotEnabled(PoolhouseError):
    sentence = "Passkeys are not enabled."


class WebAuthnOriginNotAllowed(PoolhouseError):
    sentence = "The passkey's origin is not allowed."


class WebAuthnRelyingPartyMismatch(PoolhouseError):
    sentence = "The passkey belongs to another relying party."

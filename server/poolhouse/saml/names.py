"""The names of SAML 2.0 that messages carry: bindings, formats, statuses, classes of authentication."""

from __future__ import annotations

from typing import Final

REDIRECT: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

# --- how a subject is named (SAML Core §8.3)
UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
EMAIL: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"

# --- how attributes are named (§8.2)
BASIC_NAME: Final = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
URI_NAME: Final = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"

# --- what became of a request (§3.2.2.2)
_STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
SUCCESS: Final = _STATUS + "Success"
REQUESTER: Final = _STATUS + "Requester"
RESPONDER: Final = _STATUS + "Responder"
AUTHN_FAILED: Final = _STATUS + "AuthnFailed"
INVALID_NAME_ID_POLICY: Final = _STATUS + "InvalidNameIDPolicy"
NO_AUTHN_CONTEXT: Final = _STATUS + "NoAuthnContext"
NO_AVAILABLE_IDP: Final = _STATUS + "NoAvailableIDP"
NO_PASSIVE: Final = _STATUS + "NoPassive"
NO_SUPPORTED_IDP: Final = _STATUS + "NoSupportedIDP"
PARTIAL_LOGOUT: Final = _STATUS + "PartialLogout"
REQUEST_DENIED: Final = _STATUS + "RequestDenied"
REQUEST_UNSUPPORTED: Final = _STATUS + "RequestUnsupported"
RESOURCE_NOT_RECOGNIZED: Final = _STATUS + "ResourceNotRecognized"
UNKNOWN_PRINCIPAL: Final = _STATUS + "UnknownPrincipal"
UNSUPPORTED_BINDING: Final = _STATUS + "UnsupportedBinding"
VERSION_MISMATCH: Final = _STATUS + "VersionMismatch"

# --- how somebody signed in (SAML Authentication Context §3.4; the last one is REFEDS')
_CLASS = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
UNSPECIFIED_CONTEXT: Final = _CLASS + "unspecified"
PASSWORD: Final = _CLASS + "Password"
PROTECTED_PASSWORD: Final = _CLASS + "PasswordProtectedTransport"
TIME_SYNC_TOKEN: Final = _CLASS + "TimeSyncToken"
SEVERAL_FACTORS: Final = "https://refeds.org/profile/mfa"

# --- why a session ends (SAML Core §3.7.3)
BY_USER: Final = "urn:oasis:names:tc:SAML:2.0:logout:user"

"""The refusals that only the API of identity pools knows."""

from __future__ import annotations

from poolhouse.core.errors import PoolhouseError


class ResourceConflict(PoolhouseError):
    sentence = "The login is linked to another identity already."


class DeveloperUserAlreadyRegistered(PoolhouseError):
    sentence = "The developer user identifier is registered with another identity."


class InvalidIdentityPoolConfiguration(PoolhouseError):
    sentence = "Invalid identity pool configuration. Check assigned IAM roles for this pool."


class ProviderUnreachable(PoolhouseError):
    aws = "ExternalServiceException"
    sentence = "The identity provider could not be asked. Please try again."

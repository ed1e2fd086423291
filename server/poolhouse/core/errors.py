"""Every way to be turned down, typed once and rendered by whichever front the request came through.

    PoolhouseError
    ├── (one class an AWS error, named without "Exception": NotAuthorized, UserNotFound, CodeMismatch, …)
    └── OAuthError       an RFC 6749 error code with its description

An error has a sentence for people (AWS's own where AWS has one), and a hint that only the log sees.
"""

from __future__ import annotations

from typing import ClassVar


class PoolhouseError(Exception):
    """A request that is refused.

    ``aws`` is the name on the wire (``__type``), ``oauth`` the RFC 6749 code, ``status`` the HTTP status of the
    AWS front. ``keep`` says that what was written on the way is to be committed although the request is refused:
    a wrong guess must stay counted.
    """

    aws: ClassVar[str] = "InternalErrorException"
    oauth: ClassVar[str] = "invalid_request"
    status: int = 400
    sentence: ClassVar[str] = "The request was refused."

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "aws" not in cls.__dict__:
            cls.aws = cls.__name__ + "Exception"

    def __init__(
        self, sentence: str | None = None, *, hint: str = "", keep: bool = False, reason_code: str | None = None
    ) -> None:
        super().__init__(sentence if sentence is not None else self.sentence)
        self.hint = hint
        self.keep = keep
        self.reason_code = reason_code


# --- declared by Cognito's service model -------------------------------------------------------------------------


class AliasExists(PoolhouseError):
    sentence = "An account with the given email already exists."


class CodeDeliveryFailure(PoolhouseError):
    sentence = "The code could not be delivered."


class CodeMismatch(PoolhouseError):
    oauth = "access_denied"
    sentence = "Invalid verification code provided, please try again."


class ConcurrentModification(PoolhouseError):
    sentence = "The resource was changed by another request at the same time. Please try again."


class DeviceKeyExists(PoolhouseError):
    sentence = "The device key already exists."


class DuplicateProvider(PoolhouseError):
    sentence = "A provider with this name already exists."


class EnableSoftwareTokenMFA(PoolhouseError):
    sentence = "Code mismatch"


class ExpiredCode(PoolhouseError):
    oauth = "access_denied"
    sentence = "Invalid code provided, please request a code again."


class FeatureUnavailableInTier(PoolhouseError):
    sentence = "This feature is not available in the user pool's tier."


class Forbidden(PoolhouseError):
    sentence = "Forbidden"


class GroupExists(PoolhouseError):
    sentence = "A group with the name already exists."


class InternalError(PoolhouseError):
    status = 500
    sentence = "Something went wrong"


class InternalServer(PoolhouseError):
    status = 500
    sentence = "Something went wrong"


class InvalidEmailRoleAccessPolicy(PoolhouseError):
    sentence = "The e-mail configuration may not be used."


class InvalidLambdaResponse(PoolhouseError):
    sentence = "Invalid lambda response"


class InvalidOAuthFlow(PoolhouseError):
    sentence = "The OAuth flow is invalid."


class InvalidParameter(PoolhouseError):
    sentence = "Invalid parameter."


class InvalidPassword(PoolhouseError):
    sentence = "Password does not conform to policy"


class InvalidSmsRoleAccessPolicy(PoolhouseError):
    sentence = "The SMS configuration may not be used."


class InvalidSmsRoleTrustRelationship(PoolhouseError):
    sentence = "The SMS configuration's role is not trusted."


class InvalidUserPoolConfiguration(PoolhouseError):
    sentence = "The user pool's configuration is invalid."


class LimitExceeded(PoolhouseError):
    oauth = "temporarily_unavailable"
    sentence = "Attempt limit exceeded, please try after some time."


class MFAMethodNotFound(PoolhouseError):
    sentence = "The user has no such MFA method."


class ManagedLoginBrandingExists(PoolhouseError):
    sentence = "A style for this client already exists."


class NotAuthorized(PoolhouseError):
    oauth = "access_denied"
    sentence = "Incorrect username or password."


class OperationNotEnabled(PoolhouseError):
    sentence = "This operation is not enabled for the user pool."


class PasswordHistoryPolicyViolation(PoolhouseError):
    sentence = "Password has previously been used. Please choose a different one."


class PasswordResetRequired(PoolhouseError):
    oauth = "access_denied"
    sentence = "Password reset required for the user"


class PreconditionNotMet(PoolhouseError):
    sentence = "A precondition was not met."


class RefreshTokenReuse(PoolhouseError):
    oauth = "invalid_grant"
    sentence = "Refresh token has been invalidated by rotation"


class ResourceNotFound(PoolhouseError):
    sentence = "The resource does not exist."


class ScopeDoesNotExist(PoolhouseError):
    sentence = "Invalid scope requested."


class ServiceQuotaExceeded(PoolhouseError):
    sentence = "The quota is exceeded."


class SoftwareTokenMFANotFound(PoolhouseError):
    sentence = "Software Token MFA has not been enabled by the userPool"


class TermsExists(PoolhouseError):
    sentence = "Terms with this name already exist."


class TierChangeNotAllowed(PoolhouseError):
    sentence = "The tier may not be changed."


class TooManyFailedAttempts(PoolhouseError):
    oauth = "access_denied"
    sentence = "Too many failed attempts. Please try after some time."


class TooManyRequests(PoolhouseError):
    oauth = "temporarily_unavailable"
    sentence = "Too many requests"


class Unauthorized(PoolhouseError):
    oauth = "access_denied"
    sentence = "Unauthorized"


class UnexpectedLambda(PoolhouseError):
    sentence = "Unexpected error when invoking lambda"


class UnsupportedIdentityProvider(PoolhouseError):
    sentence = "The identity provider is not supported."


class UnsupportedOperation(PoolhouseError):
    sentence = "The operation is not supported."


class UnsupportedTokenType(PoolhouseError):
    sentence = "Unsupported token type"


class UnsupportedUserState(PoolhouseError):
    sentence = "The user's state does not allow this."


class UserImportInProgress(PoolhouseError):
    sentence = "A user import is in progress for this user pool."


class UserLambdaValidation(PoolhouseError):
    oauth = "access_denied"
    sentence = "The request was refused by a trigger."


class UserNotConfirmed(PoolhouseError):
    oauth = "access_denied"
    sentence = "User is not confirmed."


class UserNotFound(PoolhouseError):
    oauth = "access_denied"
    sentence = "User does not exist."


class UserPoolAddOnNotEnabled(PoolhouseError):
    sentence = "Threat protection is not enabled for the user pool."


class UserPoolTagging(PoolhouseError):
    sentence = "The tags are invalid."


class UsernameExists(PoolhouseError):
    sentence = "User already exists"


# --- declared by the service models of IAM and STS ------------------------------------------------------------------


class NoSuchEntity(ResourceNotFound):
    sentence = "The entity cannot be found."


class EntityAlreadyExists(PoolhouseError):
    sentence = "The entity already exists."


class MalformedPolicyDocument(PoolhouseError):
    sentence = "The policy document is malformed."


class DeleteConflict(PoolhouseError):
    sentence = "Cannot delete entity, must remove what depends on it first."


class InvalidInput(PoolhouseError):
    sentence = "The input is invalid."


class PackedPolicyTooLarge(PoolhouseError):
    sentence = "Serialized token too large for session"


class InvalidIdentityToken(PoolhouseError):
    oauth = "invalid_token"
    sentence = "The web identity token could not be validated."


class IDPRejectedClaim(PoolhouseError):
    oauth = "access_denied"
    sentence = "The identity provider rejected the claim."


class IDPCommunicationError(PoolhouseError):
    oauth = "temporarily_unavailable"
    sentence = "The identity provider could not be reached."


# --- of the protocol itself, declared by no operation ---------------------------------------------------------------


class AccessDenied(PoolhouseError):
    sentence = "Access denied."


class IncompleteSignature(PoolhouseError):
    sentence = "The request signature does not conform to AWS standards."


class InvalidSignature(PoolhouseError):
    sentence = (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details."
    )


class MissingAuthenticationToken(PoolhouseError):
    sentence = "Missing Authentication Token"


class UnrecognizedClient(PoolhouseError):
    sentence = "The security token included in the request is invalid."


class ExpiredToken(PoolhouseError):
    sentence = "The security token included in the request is expired"


class ExpiredSession(ExpiredToken):
    """The session that signed a request is over; a token inside of a request that has expired is an ExpiredToken."""

    aws = "ExpiredTokenException"


class Serialization(PoolhouseError):
    aws = "SerializationException"
    sentence = "The request could not be read."


class RequestTooLarge(PoolhouseError):
    aws = "RequestEntityTooLargeException"
    status = 413
    sentence = "The request is too large."


class UnknownOperation(PoolhouseError):
    sentence = "The operation is unknown."


class Validation(PoolhouseError):
    sentence = "The input is invalid."


class MalformedQueryString(PoolhouseError):
    aws = "MalformedQueryString"
    sentence = "The request's form could not be read."


class OperationNotImplemented(PoolhouseError):
    status = 501
    sentence = (
        "This operation is not implemented yet. The compatibility page of the documentation lists those that are."
    )


# --- OAuth 2 ------------------------------------------------------------------------------------------------------


class OAuthError(PoolhouseError):
    """An error of the OAuth endpoints: ``code`` from the RFC's registry, and a description (RFC 6749 §5.2)."""

    aws = "InvalidParameterException"

    def __init__(self, code: str, description: str, *, status: int = 400, hint: str = "", keep: bool = False) -> None:
        super().__init__(description, hint=hint, keep=keep)
        self.code = code
        self.status = status

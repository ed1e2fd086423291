"""What a service provider may ask for: where the answer goes, what the person is called, how they have signed in."""

from __future__ import annotations

from dataclasses import dataclass

from poolhouse.core.errors import PoolhouseError
from poolhouse.federation.saml_idp import release
from poolhouse.federation.saml_idp.service_providers import ServiceProvider
from poolhouse.saml import names
from poolhouse.saml.assertion import Name
from poolhouse.saml.authn_request import AuthnRequest


class UnknownConsumer(PoolhouseError):
    """A request names an address that the service provider did not register: nothing at all is sent there."""

    aws = "InvalidParameterException"
    sentence = "The assertion consumer service is not registered."


class NoAssertion(PoolhouseError):
    """The service provider is told that there is no assertion: ``codes`` are a status code and those below it."""

    aws = "InvalidParameterException"

    def __init__(self, codes: tuple[str, ...], sentence: str) -> None:
        super().__init__(sentence)
        self.codes = codes


class NoPassive(NoAssertion):
    """Somebody would have to be asked."""

    def __init__(self) -> None:
        super().__init__((names.RESPONDER, names.NO_PASSIVE), "Nobody suitable is signed in.")


class NoContext(NoAssertion):
    """Nobody signs in here in the way that was asked for, or this person did not."""

    def __init__(self) -> None:
        super().__init__(
            (names.RESPONDER, names.NO_AUTHN_CONTEXT), "The sign-in does not meet the requested authentication context."
        )


class NoSuchName(NoAssertion):
    """People are not called what was asked for."""

    def __init__(self, sentence: str = "People are not named in this way here.") -> None:
        super().__init__((names.REQUESTER, names.INVALID_NAME_ID_POLICY), sentence)


class SomebodyElse(NoAssertion):
    """Whoever signed in is not whom the request is about."""

    def __init__(self) -> None:
        super().__init__((names.RESPONDER, names.UNKNOWN_PRINCIPAL), "Somebody else has signed in.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer has to be like; ``request_id`` is None where nobody asked and the provider begins."""

    consumer: str
    request_id: str | None = None
    format: str | None = None
    contexts: tuple[str, ...] = ()
    comparison: str = "exact"
    subject: Name | None = None


def consumer(to: ServiceProvider, request: AuthnRequest) -> str:
    """The registered address that the request names, to the letter; the default if it names none.

    Raises UnknownConsumer.
    """
    if request.consumer_url is not None:
        if request.consumer_url not in to.consumers.values():
            raise UnknownConsumer(hint=request.consumer_url[:200])
        return request.consumer_url
    if request.consumer_index is not None:
        if request.consumer_index not in to.consumers:
            raise UnknownConsumer(hint=str(request.consumer_index))
        return to.consumers[request.consumer_index]
    return to.consumer


def of(to: ServiceProvider, request: AuthnRequest) -> Asked:
    """What ``request`` asks for, if it may have that. Raises UnknownConsumer, NoAssertion."""
    goes_to = consumer(to, request)
    if request.binding not in {None, names.POST}:
        raise NoAssertion((names.REQUESTER, names.UNSUPPORTED_BINDING), "Responses are sent by HTTP-POST only.")
    if request.sp_name_qualifier not in {None, to.entity_id}:
        raise NoSuchName
    if request.contexts and not release.attainable(request.contexts, request.comparison):
        raise NoContext
    name_format(to, request.name_id_format)
    return Asked(goes_to, request.id, request.name_id_format, request.contexts, request.comparison, request.subject)


def name_format(to: ServiceProvider, wanted: str | None) -> str:
    """The format of the name: as configured. A request may ask for a transient one instead, which tells nothing.

    Raises NoSuchName.
    """
    if wanted in {None, names.UNSPECIFIED, to.name_id_format}:
        return to.name_id_format
    if wanted == names.TRANSIENT:
        return names.TRANSIENT
    raise NoSuchName

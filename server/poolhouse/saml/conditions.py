"""The conditions under which a response and its assertion hold (SAML core 2.4, 2.5; profiles 4.1.4).

Each check has a reason of its own. What says for whom, when and in answer to what an assertion was made is required,
where the specification merely allows it: an assertion without it can be carried elsewhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from poolhouse.saml import names, xml
from poolhouse.saml.expected import Assertion, Expected, StatusRefused
from poolhouse.saml.signatures import SIGNATURE
from poolhouse.saml.trust import IdpTrust, Refused
from poolhouse.saml.xml import SAML, SAMLP, Element

_ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_CODE = f"{{{SAMLP}}}StatusCode"
_CONDITIONS_KNOWN = frozenset(
    {f"{{{SAML}}}AudienceRestriction", f"{{{SAML}}}OneTimeUse", f"{{{SAML}}}ProxyRestriction"}
)
_OLDEST = timedelta(days=1)  # no id is remembered longer, whatever a provider writes into NotOnOrAfter
_LONGEST_NAME = 1024
_LONGEST_MESSAGE = 300


def _saml(element: Element, local: str, reason: str) -> Element:
    return xml.only(element, f"{{{SAML}}}{local}", reason)


# --- the message ----------------------------------------------------------------------------------------------------


def check_message(message: Element, idp: IdpTrust, expected: Expected) -> None:
    """Version, Issuer, Destination, InResponseTo and time of a response. Raises Refused."""
    if message.get("Version") != "2.0":
        raise Refused("version", str(message.get("Version"))[:20])
    if not message.get("ID"):
        raise Refused("bad-id", "the response has none")
    issuer = xml.optional(message, f"{{{SAML}}}Issuer", "issuer")
    if issuer is not None:
        _require_issuer(issuer, idp)
    elif xml.children(message, SIGNATURE):
        raise Refused("issuer", "a signed response has to name it")  # profiles 4.1.4.2
    if message.get("Destination") != expected.consumer_url:
        raise Refused("destination", str(message.get("Destination"))[:200])
    _require_answer(message.get("InResponseTo"), expected)
    _require_made(xml.instant(message.get("IssueInstant"), "issue-instant"), expected)


def check_status(message: Element) -> None:
    """Raises StatusRefused unless the provider reports success."""
    status = xml.only(message, f"{{{SAMLP}}}Status", "status-shape")
    code = xml.only(status, _CODE, "status-shape")
    codes = [str(code.get("Value"))]
    if codes == [names.SUCCESS]:
        return
    while (code := xml.optional(code, _CODE, "status-shape")) is not None and len(codes) < 5:
        codes.append(str(code.get("Value")))
    said = xml.optional(status, f"{{{SAMLP}}}StatusMessage", "status-shape")
    message_text = "" if said is None else " ".join((said.text or "").split())
    raise StatusRefused(tuple(code[:200] for code in codes), message_text[:_LONGEST_MESSAGE])


def _require_issuer(issuer: Element, idp: IdpTrust) -> None:
    if xml.text_of(issuer, "issuer") != idp.entity_id or issuer.get("Format", _ENTITY) != _ENTITY:
        raise Refused("issuer", str(issuer.text)[:200])


def _require_answer(in_response_to: str | None, expected: Expected) -> None:
    """To the very request that was sent; to none only where the provider may begin."""
    if expected.request_id is not None:
        if in_response_to != expected.request_id:
            raise Refused("in-response-to", str(in_response_to)[:200])
    elif not expected.unsolicited:
        raise Refused("unsolicited")
    elif in_response_to is not None:
        raise Refused("in-response-to", "in answer to a request, but none was sent")


def _require_made(at: datetime, expected: Expected) -> None:
    if at > expected.now + expected.skew:
        raise Refused("issue-instant", "in the future")
    oldest = _OLDEST
    if expected.request_id is None:
        oldest = timedelta(seconds=expected.unsolicited_max_age_seconds)
    if at < expected.now - oldest - expected.skew:
        raise Refused("issue-instant", "too long ago")


# --- the assertion --------------------------------------------------------------------------------------------------


def check_assertion(message: Element, assertion: Element, idp: IdpTrust, expected: Expected) -> Assertion:
    """Every condition of an assertion, and what it says. Raises Refused."""
    if assertion.get("Version") != "2.0":
        raise Refused("version", str(assertion.get("Version"))[:20])
    if not assertion.get("ID"):
        raise Refused("bad-id", "the assertion has none")
    made = xml.instant(assertion.get("IssueInstant"), "issue-instant")
    _require_made(made, expected)
    _require_issuer(_saml(assertion, "Issuer", "issuer"), idp)
    until = _check_conditions(assertion, expected)
    subject = _saml(assertion, "Subject", "subject")
    name = _name(subject)
    confirmed_until = _confirmed(subject, expected)
    statement = _saml(assertion, "AuthnStatement", "authn-statement")
    authenticated, session_end = _authenticated(statement, expected)
    return Assertion(
        message_id=str(message.get("ID")),
        assertion_id=str(assertion.get("ID")),
        issuer=idp.entity_id,
        name_id=str(name.text),
        name_id_format=name.get("Format") or names.UNSPECIFIED,
        session_index=statement.get("SessionIndex") or None,
        attributes=_attributes(assertion),
        authn_instant=authenticated,
        authn_context=_context(statement),
        in_response_to=message.get("InResponseTo"),
        expires=min(until, confirmed_until, made + _OLDEST) + 2 * expected.skew,
        name_qualifier=name.get("NameQualifier"),
        sp_name_qualifier=name.get("SPNameQualifier"),
        session_not_on_or_after=session_end,
    )


def audience(assertion: Element, entity_ids: tuple[str, ...]) -> str:
    """The name of ours that the assertion is for: in every AudienceRestriction, whose audiences are alternatives."""
    found = ""
    restrictions = xml.children(_saml(assertion, "Conditions", "conditions"), f"{{{SAML}}}AudienceRestriction")
    for restriction in restrictions:
        named = {xml.text_of(child, "audience") for child in xml.children(restriction, f"{{{SAML}}}Audience")}
        ours = [entity_id for entity_id in entity_ids if entity_id in named]
        if not ours:
            raise Refused("audience", ", ".join(sorted(named))[:200])
        found = ours[0]
    if not found:
        raise Refused("audience", "none is named")
    return found


def _check_conditions(assertion: Element, expected: Expected) -> datetime:
    """Until when the assertion may be used."""
    conditions = _saml(assertion, "Conditions", "conditions")
    for condition in conditions:
        if condition.tag not in _CONDITIONS_KNOWN:  # core 2.5.1.1: what is not understood cannot be met
            raise Refused("conditions", f"unknown: {condition.tag}"[:200])
    audience(assertion, expected.entity_ids)
    if xml.instant(conditions.get("NotBefore"), "not-before") > expected.now + expected.skew:
        raise Refused("not-before", "not yet")
    until = xml.instant(conditions.get("NotOnOrAfter"), "not-on-or-after")
    if until <= expected.now - expected.skew:
        raise Refused("not-on-or-after", "no longer")
    return until


def _name(subject: Element) -> Element:
    """NameID, which has to be there, in plain, once: exact, upper and lower case apart."""
    if xml.children(subject, f"{{{SAML}}}EncryptedID"):
        raise Refused("encrypted-id")
    name = _saml(subject, "NameID", "name-id")
    text = xml.text_of(name, "name-id")
    if not text.strip() or len(text) > _LONGEST_NAME:
        raise Refused("name-id", "empty" if not text.strip() else "too long")
    return name


def _confirmed(subject: Element, expected: Expected) -> datetime:
    """Until when a bearer may present it here: by one SubjectConfirmation that holds as a whole."""
    reason = Refused("subject-confirmation", "no bearer")
    for confirmation in xml.children(subject, f"{{{SAML}}}SubjectConfirmation"):
        if confirmation.get("Method") != names.BEARER:
            continue
        try:
            return _bearer(confirmation, expected)
        except Refused as refused:
            reason = refused
    raise reason


def _bearer(confirmation: Element, expected: Expected) -> datetime:
    data = _saml(confirmation, "SubjectConfirmationData", "subject-confirmation")
    if data.get("Recipient") != expected.consumer_url:
        raise Refused("recipient", str(data.get("Recipient"))[:200])
    _require_answer(data.get("InResponseTo"), expected)
    early = data.get("NotBefore")
    if early is not None and xml.instant(early, "not-before") > expected.now + expected.skew:
        raise Refused("not-before", "not yet")
    until = xml.instant(data.get("NotOnOrAfter"), "not-on-or-after")
    if until <= expected.now - expected.skew:
        raise Refused("not-on-or-after", "no longer")
    return until


def _authenticated(statement: Element, expected: Expected) -> tuple[datetime, datetime | None]:
    """When the person proved who they are, and when their session at the provider ends."""
    at = xml.instant(statement.get("AuthnInstant"), "authn-instant")
    if at > expected.now + expected.skew:
        raise Refused("authn-instant", "in the future")
    if expected.authenticated_since is not None and at < expected.authenticated_since - expected.skew:
        raise Refused("authn-instant", "a fresh proof was asked for")
    end = statement.get("SessionNotOnOrAfter")
    if end is None:
        return at, None
    until = xml.instant(end, "session-over")
    if until <= expected.now - expected.skew:
        raise Refused("session-over")
    return at, until


def _context(statement: Element) -> str:
    context = _saml(statement, "AuthnContext", "authn-statement")
    named = xml.optional(context, f"{{{SAML}}}AuthnContextClassRef", "authn-statement")
    return "" if named is None else xml.text_of(named, "authn-statement").strip()


def _attributes(assertion: Element) -> dict[str, tuple[str, ...]]:
    """Values by Name; one that is said twice has the values of both."""
    found: dict[str, tuple[str, ...]] = {}
    for statement in xml.children(assertion, f"{{{SAML}}}AttributeStatement"):
        if xml.children(statement, f"{{{SAML}}}EncryptedAttribute"):
            raise Refused("encrypted-attribute")
        for attribute in xml.children(statement, f"{{{SAML}}}Attribute"):
            named = attribute.get("Name")
            if not named:
                raise Refused("attribute", "without a name")
            values = xml.children(attribute, f"{{{SAML}}}AttributeValue")
            said = tuple("".join(value.itertext()) for value in values if value.get(_NIL) not in {"true", "1"})
            found[named] = found.get(named, ()) + said
    return found

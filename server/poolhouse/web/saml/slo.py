"""Single logout (SAML Profiles §4.4), as an identity provider to apps and as a service provider to providers.

Every request is signed by whoever says to have sent it, and reaches only the sessions that this party was told of, or
told us of. The browser brings the messages; which browser it is does not matter, so no cookie is needed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Response

from poolhouse.core import runtime, unit
from poolhouse.federation import logout_requests, single_logout
from poolhouse.federation.connector import Untrusted
from poolhouse.federation.logout_requests import Wanted
from poolhouse.federation.single_logout import APP, PROVIDER, Kind, Step, Unanswerable
from poolhouse.saml import names
from poolhouse.saml.bindings import REQUEST, Received
from poolhouse.saml.trust import Refused
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import answers, pools, sessions
from poolhouse.web.saml import addresses, received

log = logging.getLogger("poolhouse.saml")
Read = Callable[[Pool, Received, frozenset[str]], Wanted]


def of_apps(pool_id: str) -> Response:  # noqa: ARG001 - the door has found the pool
    """GET and POST ``/saml2/idp/slo``: messages of service providers."""
    return _serve(APP, addresses.SLO, logout_requests.of_app)


def of_providers(pool_id: str) -> Response:  # noqa: ARG001
    """GET and POST ``/saml2/logout``: messages of identity providers, at Cognito's address."""
    return _serve(PROVIDER, addresses.LOGOUT, logout_requests.of_provider)


def _serve(kind: Kind, path: str, read: Read) -> Response:
    pool = pools.current()
    try:
        with unit.open(runtime.current()):
            message = received.message()
            destinations = addresses.destinations(pool, path)
            if message.kind == REQUEST:
                step = _requested(pool, read(pool, message, destinations))
            else:
                step = single_logout.answered(pool, message, kind, destinations)
    except (Refused, Untrusted) as refused:
        why = refused if isinstance(refused, Refused) else refused.hint
        log.info("logout message to %s of pool %s refused: %s", path, pool.id, why)
        return answers.error_page("saml_request")
    except Unanswerable as error:
        log.warning("whoever signed somebody out of pool %s cannot be told: %s", pool.id, error)
        return answers.see_other(pools.url("/signedout"))
    if step.pause and step.sending.form is None:
        return answers.pause(step.sending.address)
    return answers.send(step.sending.address, step.sending.form)


def _requested(pool: Pool, wanted: Wanted) -> Step:
    """End what was asked for, and ask the others; what is read and signed comes before what is written."""
    if wanted.known:
        asking = single_logout.parties(pool, wanted.sessions, but=wanted.party)
        step = single_logout.begin(pool, wanted.beginning, asking)
    else:
        unknown = (names.REQUESTER, names.UNKNOWN_PRINCIPAL)
        step = Step(single_logout.answer(pool, wanted.beginning, unknown))
    logout_requests.take(pool, wanted)
    sessions.end(pool, wanted.sessions)
    return step

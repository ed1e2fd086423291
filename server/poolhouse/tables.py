"""Every table of the server, and what drops rows that have expired: the list that migrations are checked against."""

from __future__ import annotations

from collections.abc import Callable

from poolhouse import keycheck
from poolhouse.access import models as access_models
from poolhouse.core import cache, seen, throttle
from poolhouse.core.db import Base
from poolhouse.credentials import models as credentials_models
from poolhouse.federation import models as federation_models
from poolhouse.federation.saml_idp import models as saml_idp_models
from poolhouse.identity_pools import models as identity_pools_models
from poolhouse.listeners import models as listeners_models
from poolhouse.messages import models as messages_models
from poolhouse.signin import attempt
from poolhouse.tokens import models as tokens_models
from poolhouse.user_pools import models as user_pools_models
from poolhouse.users import models as users_models
from poolhouse.web import models as web_models
from poolhouse.web.oauth import models as oauth_models

MODULES = (
    access_models,
    attempt,
    cache,
    credentials_models,
    federation_models,
    identity_pools_models,
    keycheck,
    listeners_models,
    messages_models,
    oauth_models,
    saml_idp_models,
    seen,
    throttle,
    tokens_models,
    user_pools_models,
    users_models,
    web_models,
)
metadata = Base.metadata


def purges() -> tuple[Callable[[], None], ...]:
    """What the housekeeper runs, each in a unit of its own, beside those that ``app`` names itself."""
    from poolhouse.credentials import codes, lockout
    from poolhouse.federation import saml_keys, single_logout, trip, upstream_sessions
    from poolhouse.federation.saml_idp import participants
    from poolhouse.messages import outbox
    from poolhouse.tokens import keys, refresh
    from poolhouse.web import journey, sessions
    from poolhouse.web.oauth import assertion
    from poolhouse.web.oauth import codes as authorization_codes

    return (
        codes.purge,
        lockout.purge,
        trip.purge,
        seen.purge,
        saml_keys.purge,
        participants.purge,
        upstream_sessions.purge,
        single_logout.purge,
        outbox.purge,
        keys.purge,
        refresh.purge,
        journey.purge,
        sessions.purge,
        authorization_codes.purge,
        assertion.purge,
    )

"""Signing out of a browser, and of everything that its session led to, before the browser goes on."""

from __future__ import annotations

from urllib.parse import urljoin

from flask import Response

from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import answers, cookies, pools, sessions


def everywhere(pool: Pool, address: str) -> Response:
    """End this browser's session, ask everybody who knows of it to do the same, and then go to ``address``."""
    held = cookies.session(pool)
    if held is None:
        sessions.sign_out(pool)
        return answers.see_other(address)
    from poolhouse.federation import single_logout
    from poolhouse.federation.saml_idp import participants

    asking = single_logout.parties(pool, [held])
    back = urljoin(pools.here(pool) + "/", address) if asking else address  # they answer at the pool's own host, if any
    step = single_logout.begin(pool, single_logout.Beginning(back), asking)
    sessions.sign_out(pool)
    if asking:
        participants.forget(pool.id, [held])
    return answers.send(step.sending.address, step.sending.form)

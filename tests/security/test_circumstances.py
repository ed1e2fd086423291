"""Every row of the audit log says who acted, from where, and in which request: the one that its answer names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from poolhouse.core import unit
from poolhouse.listeners.models import AuditEvent
from tests.oidc import Browser, rp
from tests.world import PASSWORD, PoolInWorld, World


def rows(pool: PoolInWorld, name: str) -> list[Any]:
    """The audit log's rows of that name, oldest first."""
    query = select(AuditEvent.__table__).where(AuditEvent.pool_id == pool.id, AuditEvent.name == name)
    with unit.open(pool.world.runtime):
        return list(unit.execute(query.order_by(AuditEvent.id)))


def test_an_administrators_act_names_the_administrator_and_the_answers_request_id(pool: PoolInWorld) -> None:
    answer = pool.idp.create_user_pool_client(UserPoolId=pool.id, ClientName="seen")
    (row,) = rows(pool, "UserPoolClientCreated")
    assert row.principal.startswith("arn:aws:iam::")
    assert row.request_id == answer["ResponseMetadata"]["RequestId"]
    assert row.remote_address == "127.0.0.1"


def test_what_somebody_does_without_signing_names_nobody_but_where_it_came_from(pool: PoolInWorld) -> None:
    client = pool.client()
    answer = pool.idp.sign_up(ClientId=client.id, Username="ann", Password=PASSWORD)
    (row,) = rows(pool, "UserSignedUp")
    assert (row.principal, row.remote_address) == ("", "127.0.0.1")
    assert row.request_id == answer["ResponseMetadata"]["RequestId"]


def test_a_sign_in_on_the_pages_names_its_request(world: World, pool: PoolInWorld) -> None:
    client, browser, ann = rp(pool), Browser(world), pool.user()
    browser.go(client.url())
    form = browser.page.forms[0]
    sent = form["fields"] | {"username": ann.username, "password": ann.password}
    answer = browser.http.post(form["action"], data=sent, base_url=world.url, environ_base={"REMOTE_ADDR": "127.0.0.1"})
    (row,) = rows(pool, "UserSignedIn")
    assert row.request_id == answer.headers["X-Request-Id"]
    assert len(row.request_id) == 36
    assert row.remote_address == "127.0.0.1"


def test_a_stolen_refresh_token_is_reported_with_the_request_it_came_in(world: World, pool: PoolInWorld) -> None:
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}
    client = rp(pool, RefreshTokenRotation=rotation, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])
    stolen = client.tokens(Browser(world), pool.user())["refresh_token"]
    assert client.refresh(stolen).status_code == 200
    answer = client.refresh(stolen)
    assert answer.status_code == 400
    (row,) = rows(pool, "RefreshTokenReused")
    assert row.request_id == answer.headers["X-Request-Id"]


def test_one_requests_circumstances_do_not_reach_the_next(world: World, pool: PoolInWorld) -> None:
    from poolhouse.core import circumstances

    ids = {rp(pool).token(grant_type="client_credentials").headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3
    assert circumstances.current() == circumstances.Circumstances()

"""The address of a provider's metadata is no way into our own network, and says nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from poolhouse.core import clock, unit
from poolhouse.core.errors import InvalidParameter
from poolhouse.core.runtime import Runtime
from poolhouse.federation import documents
from poolhouse.federation.connector import Unavailable
from poolhouse.federation.provider import Provider
from tests.conftest import Databases
from tests.runtimes import running
from tests.saml import attack_idp
from tests.security.test_fetches import inside


def provider(url: str) -> Provider:
    now = clock.now()
    return Provider("us-east-1_Fetches01", "Okta", "SAML", {"MetadataURL": url}, {}, (), {}, {}, now, now)


@pytest.fixture
def public(databases: Databases) -> Iterator[Runtime]:
    """A server that others can reach: its requests reach no private address."""
    with running(databases.make("sqlite"), outbound_private=False) as rt:
        yield rt


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0.0.0.0", "[::ffff:127.0.0.1]"])
def test_metadata_at_a_private_address_is_not_fetched(public: Runtime, host: str) -> None:
    with inside(metadata=(200, {}, attack_idp.metadata())) as (port, asked):
        here = provider(f"http://{host}:{port}/metadata")
        with unit.open(public), pytest.raises(InvalidParameter) as caught:
            documents.checked(here)
        with unit.open(public), pytest.raises(Unavailable):
            documents.trust(here)
        assert asked == []
    # Neither whether something listens there, nor why it was not asked.
    with unit.open(public), pytest.raises(InvalidParameter) as nothing:
        documents.checked(provider(f"http://{host}:1/metadata"))
    assert str(caught.value).replace(str(port), "1") == str(nothing.value)


def test_a_public_address_does_not_lead_on_to_a_private_one(databases: Databases) -> None:
    away = {"Location": "/secret"}
    with running(databases.make("sqlite"), outbound_private=True) as rt, inside(away=(302, away, b"")) as (port, asked):
        with unit.open(rt), pytest.raises(InvalidParameter):
            documents.checked(provider(f"http://127.0.0.1:{port}/away"))
        assert asked == ["/away"]

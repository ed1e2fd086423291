"""Metadata of identity providers and service providers, as read and as written."""

from __future__ import annotations

import base64
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from poolhouse.saml import keys, metadata
from poolhouse.saml.trust import BadMetadata, Consumer
from tests.saml import attack_idp

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ONE, OTHER, EC = attack_idp.key(), attack_idp.key("next"), attack_idp.key("ec", "ec")


def bad(document: bytes, entity_id: str | None = None) -> str:
    """Why a document is refused."""
    with pytest.raises(BadMetadata) as caught:
        metadata.read_idp(document, now=NOW, entity_id=entity_id)
    assert str(caught.value).endswith((".", ")."))
    return caught.value.reason


def test_an_identity_provider_is_read() -> None:
    until = NOW + timedelta(days=3)
    idp = metadata.read_idp(attack_idp.metadata(keys=[ONE, OTHER, EC, ONE], valid_until=until), now=NOW)
    assert idp.entity_id == "https://idp.example/metadata"
    assert idp.certificates == (ONE.der, OTHER.der, EC.der)
    assert idp.sso == {"redirect": "https://idp.example/sso", "post": "https://idp.example/sso"}
    assert idp.slo == {"redirect": "https://idp.example/slo", "post": "https://idp.example/slo"}
    assert (idp.slo_response, idp.want_authn_requests_signed) == ({}, False)
    assert idp.valid_until == until
    assert idp.name_id_formats == (attack_idp.PERSISTENT,)


def test_a_key_without_a_use_signs_and_one_for_encryption_does_not() -> None:
    document = attack_idp.metadata(keys=[ONE, OTHER])
    unused = document.replace(b' use="signing"', b"", 1)
    assert metadata.read_idp(unused, now=NOW).certificates == (ONE.der, OTHER.der)
    other_use = document.replace(b'use="signing"', b'use="encryption"', 1)
    assert metadata.read_idp(other_use, now=NOW).certificates == (OTHER.der,)


def test_answers_may_go_elsewhere_and_the_first_address_of_a_binding_counts() -> None:
    document = attack_idp.metadata().replace(
        b'Location="https://idp.example/slo"',
        b'Location="https://idp.example/slo" ResponseLocation="https://idp.example/r"',
    )
    idp = metadata.read_idp(document, now=NOW)
    assert idp.slo_response == {"redirect": "https://idp.example/r", "post": "https://idp.example/r"}
    twice = attack_idp.metadata(bindings=("HTTP-POST",)).replace(
        b"<md:SingleSignOnService",
        b'<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://a.example/"/>'
        b"<md:SingleSignOnService",
    )
    assert metadata.read_idp(twice, now=NOW).sso == {"post": "https://a.example/"}


def federation(*documents: bytes, until: datetime | None = None) -> bytes:
    """Several entities in one document."""
    inside = b"".join(document.partition(b"-->")[2] for document in documents)
    when = b"" if until is None else f' validUntil="{attack_idp.stamp(until)}"'.encode()
    return (
        b'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"' + when + b">" + inside
        + b"</md:EntitiesDescriptor>"
    )  # fmt: skip


def test_one_of_several_is_named() -> None:
    one, other = attack_idp.metadata(), attack_idp.metadata(entity_id="urn:other", keys=[OTHER])
    assert bad(federation(one, other)) == "several"
    assert metadata.read_idp(federation(one, other), now=NOW, entity_id="urn:other").certificates == (OTHER.der,)
    assert metadata.read_idp(federation(one), now=NOW).entity_id == "https://idp.example/metadata"
    assert bad(federation(one, other), "urn:nobody") == "no-descriptor"
    assert bad(federation()) == "no-descriptor"


def test_the_earliest_end_counts() -> None:
    later, past = NOW + timedelta(days=2), NOW - timedelta(seconds=1)
    one = attack_idp.metadata(valid_until=later)
    assert metadata.read_idp(federation(one, until=NOW + timedelta(days=1)), now=NOW).valid_until == NOW + timedelta(1)
    assert bad(federation(one, until=past)) == "expired"
    assert bad(attack_idp.metadata(valid_until=past)) == "expired"
    assert bad(attack_idp.metadata(valid_until=NOW)) == "expired"
    assert bad(attack_idp.metadata().replace(b"entityID", b'validUntil="soon" entityID')) == "valid-until"


def certified(der: bytes) -> bytes:
    """Metadata with that certificate."""
    return attack_idp.metadata(keys=[ONE]).replace(base64.b64encode(ONE.der), base64.b64encode(der))


@pytest.mark.parametrize(
    ("reason", "document"),
    [
        ("not-xml", b""),
        ("not-xml", b"\x00"),
        ("encoding", b"\xff\xfe<\x00a\x00/\x00>\x00"),
        ("too-large", b" " * (metadata.LARGEST + 1)),
        ("markup", b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'),
        ("markup", b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><x>&c;</x>'),
        ("not-metadata", b"<x/>"),
        ("not-metadata", b"<EntityDescriptor/>"),
        ("entity-id", attack_idp.metadata(entity_id="x" * 1025)),
        ("weak-key", attack_idp.metadata(keys=[attack_idp.key("weak", "short")])),
        ("certificate", attack_idp.metadata().replace(b"<ds:X509Certificate>M", b"<ds:X509Certificate>A")),
        ("certificate", attack_idp.metadata().replace(b"<ds:X509Certificate>M", b"<ds:X509Certificate>!")),
        ("certificate", certified(ONE.der[:-9])),
        ("certificate", certified(ONE.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07", 1))),
        ("no-certificate", attack_idp.metadata(keys=[])),
        ("no-sso", attack_idp.metadata(bindings=["HTTP-Artifact", "SOAP"])),
        ("url", attack_idp.metadata(sso="javascript:alert(1)")),
        ("url", attack_idp.metadata(sso="//idp.example/")),
        ("url", attack_idp.metadata(sso="https://a@idp.example/")),
        ("url", attack_idp.metadata(sso="https://idp.example/#x")),
        ("url", attack_idp.metadata(sso="https://idp.example/ x")),
        ("url", attack_idp.metadata(sso="https://idp.example/&#10;x")),
        ("url", attack_idp.metadata(sso="https://idp.example:0/")),
        ("url", attack_idp.metadata(sso="https://[/")),
        ("url", attack_idp.metadata(sso="https://idp.example/" + "x" * 2048)),
        ("url", attack_idp.metadata(sso="")),
    ],
)
def test_what_cannot_be_used_is_refused(reason: str, document: bytes) -> None:
    assert bad(document) == reason


def test_comments_and_instructions_are_no_matter_in_metadata() -> None:
    document = attack_idp.metadata().replace(b"<md:IDPSSO", b"<!-- x --><?x y?><md:IDPSSO")
    assert metadata.read_idp(document, now=NOW).entity_id


def test_what_is_written_is_read_and_fits_the_schema() -> None:
    signing, encryption = keys.der(keys.make_key()[1]), keys.der(keys.make_key()[1])
    written = metadata.write_sp(
        "urn:amazon:cognito:sp:us-east-1_Example01",
        consumers=["https://sp.example/saml2/idpresponse", "https://sp.example/second"],
        signing=[signing],
        encryption=[encryption],
        logout=[("post", "https://sp.example/saml2/logout")],
        signs_requests=True,
    )
    sp = metadata.read_sp(written, now=NOW)
    assert sp.entity_id == "urn:amazon:cognito:sp:us-east-1_Example01"
    assert sp.consumers == (
        Consumer(0, "https://sp.example/saml2/idpresponse", True),
        Consumer(1, "https://sp.example/second", False),
    )
    assert (sp.certificates, sp.encryption_certificates) == ((signing,), (encryption,))
    assert (sp.slo, sp.authn_requests_signed) == ({"post": "https://sp.example/saml2/logout"}, True)
    assert _fits_schema(written)

    idp = metadata.write_idp(
        "https://idp.example/",
        sso=[("redirect", "https://idp.example/sso?a=b&c=d"), ("post", "https://idp.example/sso")],
        signing=[signing],
        logout=[("redirect", "https://idp.example/slo")],
        name_id_formats=[attack_idp.PERSISTENT],
    )
    read = metadata.read_idp(idp, now=NOW)
    assert (read.entity_id, read.certificates) == ("https://idp.example/", (signing,))
    assert read.sso == {"redirect": "https://idp.example/sso?a=b&c=d", "post": "https://idp.example/sso"}
    assert read.name_id_formats == (attack_idp.PERSISTENT,)
    assert read.want_authn_requests_signed is False
    assert _fits_schema(idp)


def _fits_schema(document: bytes) -> bool:
    """Whether the schema of OASIS, as python3-saml has it, allows it."""
    from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

    found = OneLogin_Saml2_XML.validate_xml(document, "saml-schema-metadata-2.0.xsd")
    return isinstance(found, etree._Element)


def test_our_metadata_is_read_by_python3_saml_too() -> None:
    from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser

    signing = keys.der(keys.make_key()[1])
    idp = metadata.write_idp("https://idp.example/", sso=[("redirect", "https://idp.example/sso")], signing=[signing])
    parsed = OneLogin_Saml2_IdPMetadataParser.parse(idp)["idp"]
    assert parsed["entityId"] == "https://idp.example/"
    assert parsed["singleSignOnService"]["url"] == "https://idp.example/sso"


def test_a_server_on_which_nobody_uses_saml_loads_none_of_it(tmp_path: object) -> None:
    """Ten megabytes of memory, a tenth of a second at start, and a pair of libraries that may not fit each other."""
    code = f"""
        import sys
        from poolhouse.app import create_app
        app = create_app(housekeeping=False, data_dir={str(tmp_path)!r}, database_url="sqlite:///{tmp_path}/x.db")
        assert app.test_client().get("/healthz").status_code == 200
        print(sorted({{name.partition(".")[0] for name in sys.modules}} & {{"lxml", "xmlsec", "onelogin", "isodate"}}))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"

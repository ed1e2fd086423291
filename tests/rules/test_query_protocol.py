"""The Query protocol's two halves: forms are read strictly, answers are XML that any parser reads back."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolhouse.api import model
from poolhouse.core.errors import MalformedQueryString
from poolhouse.web.aws import form, xml

IAM = model.service("iam")
SHAPES: dict[str, Any] = {
    "In": {
        "type": "structure",
        "members": {
            "Name": {"shape": "Text"},
            "Count": {"shape": "Number"},
            "Whole": {"shape": "Flag"},
            "Tags": {"shape": "Tags"},
        },
    },
    "Tags": {"type": "list", "member": {"shape": "Tag"}},
    "Tag": {"type": "structure", "members": {"Key": {"shape": "Text"}, "Values": {"shape": "Texts"}}},
    "Texts": {"type": "list", "member": {"shape": "Text"}},
    "Text": {"type": "string"},
    "Number": {"type": "integer"},
    "Flag": {"type": "boolean"},
    "Moment": {"type": "timestamp"},
    "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
    "Out": {
        "type": "structure",
        "members": {
            "Name": {"shape": "Text"},
            "Whole": {"shape": "Flag"},
            "At": {"shape": "Moment"},
            "Texts": {"shape": "Texts"},
            "Map": {"shape": "Map"},
        },
    },
}


def read(sent: str) -> Any:
    return form.members(form.parameters(sent.encode()), SHAPES, "In")


def test_members_arrive_typed_and_in_order() -> None:
    sent = "Action=X&Version=1&Name=a+b%26&Count=-7&Whole=true&Tags.member.2.Key=z&Tags.member.1.Values.member.1=v&x=y"
    assert read(sent) == {"Name": "a b&", "Count": -7, "Whole": True, "Tags": [{"Values": ["v"]}, {"Key": "z"}]}
    assert read("Tags=") == {"Tags": []}
    assert read("Tags.member.1=") == {"Tags": [{}]}


@pytest.mark.parametrize(
    "sent",
    [
        "Name", "Name=a&Name=b", "Name=%ff", "Name.x=a", "Name=a&Name.x=b", "Name.x=b&Name=a", "Count=1.5", "Count=",
        "Count=" + "9" * 19, "Count=--1", "Count=٣", "Whole=True", "Whole=1", "Tags=x", "Tags.1.Key=a",
        "Tags.member.0.Key=a", "Tags.member.2.Key=a", "Tags.member.01.Key=a", "Tags.member.x.Key=a",
        "Tags.member=a", "Tags.member.1.Key=a&Tags.other=b", ".".join("abcdefghijklmn") + "=x", "é=1",
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_refused(sent: str) -> None:
    with pytest.raises(MalformedQueryString):
        read(sent)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=6))
def test_any_form_is_read_or_refused(sent: dict[str, str]) -> None:
    for operation in ("CreateRole", "SimulateCustomPolicy", "TagRole"):
        try:
            given_ = form.parameters(urlencode(sent, errors="surrogatepass").encode())
            form.members(given_, IAM.shapes, IAM.operations[operation].input)
        except MalformedQueryString:
            pass


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(sent: bytes) -> None:
    with contextlib.suppress(MalformedQueryString):
        form.parameters(sent)


def test_an_answer_has_the_members_of_its_shape_as_text() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
    value = {"Name": "<&>", "Whole": False, "At": at, "Texts": ["a", ""], "Map": {"k": "v"}, "Secret": "unknown"}
    written = xml.answer("Do", "DoResult", "urn:x", SHAPES, "Out", value, of="id")
    assert written.decode() == (
        '<DoResponse xmlns="urn:x"><DoResult><Name>&lt;&amp;&gt;</Name><Whole>false</Whole>'
        "<At>2026-01-02T03:04:05Z</At><Texts><member>a</member><member></member></Texts>"
        "<Map><entry><key>k</key><value>v</value></entry></Map></DoResult>"
        "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DoResponse>"
    )
    assert b"Result" not in xml.answer("Do", "", "urn:x", SHAPES, None, {}, of="id")


@given(st.text(max_size=40))
def test_whatever_the_text_the_xml_is_well_formed_and_says_it(text: str) -> None:
    for written in (
        xml.answer("Do", "DoResult", "urn:x", SHAPES, "Out", {"Name": text}, of="id"),
        xml.error("Code", text, "urn:x", "id"),
    ):
        found = {each.tag.rpartition("}")[2]: each.text or "" for each in ElementTree.fromstring(written).iter()}
        said = found.get("Name", found.get("Message"))
        assert said is not None
        assert len(said) == len(text)
        assert all(a in {b, "?"} for a, b in zip(said, text, strict=True))

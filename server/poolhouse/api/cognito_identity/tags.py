"""Tags of identity pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poolhouse.api.registry import Answer, operation
from poolhouse.identity_pools import pools

SERVICE = "cognito-identity"


@operation("TagResource", service=SERVICE, writes=True)
def tag_resource(*, resource_arn: str, tags: Mapping[str, str]) -> None:
    pools.add_tags(resource_arn, tags)


@operation("UntagResource", service=SERVICE, writes=True)
def untag_resource(*, resource_arn: str, tag_keys: Sequence[str]) -> None:
    pools.remove_tags(resource_arn, tag_keys)


@operation("ListTagsForResource", service=SERVICE)
def list_tags_for_resource(*, resource_arn: str) -> Answer:
    return {"Tags": pools.tags_of(resource_arn)}

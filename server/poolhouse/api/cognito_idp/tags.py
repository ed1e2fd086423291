"""Tags of user pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poolhouse.api.registry import Answer, operation
from poolhouse.user_pools import tags as pool_tags


@operation("TagResource", writes=True)
def tag_resource(*, resource_arn: str, tags: Mapping[str, str]) -> None:
    pool_tags.add(resource_arn, tags)


@operation("UntagResource", writes=True)
def untag_resource(*, resource_arn: str, tag_keys: Sequence[str]) -> None:
    pool_tags.remove(resource_arn, tag_keys)


@operation("ListTagsForResource")
def list_tags_for_resource(*, resource_arn: str) -> Answer:
    return {"Tags": pool_tags.of(resource_arn)}

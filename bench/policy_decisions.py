"""How many permission decisions a core makes in a second: one compiled policy of ten statements, six kinds of question.

    python -m bench.policy_decisions [seconds]

Prints a line for each question and one for the mix; exits 1 when the mix falls below the promise of 50,000 a second.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from poolhouse.policy import Effect, Principal, Request, decide, parse

PROMISE = 50_000

ACCOUNT = "arn:aws:dynamodb:us-east-1:000000000000"

# What an application's role looks like: folders by person, a table by tag, guards by address and time, one broad deny.
POLICY = parse(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "OwnFolder", "Effect": "Allow", "Action": ["photos:Get*", "photos:Put*", "photos:DeleteObject"],
             "Resource": "arn:aws:photos:::albums/${cognito-identity.amazonaws.com:sub}/*"},
            {"Sid": "Public", "Effect": "Allow", "Action": "photos:Get*",
             "Resource": "arn:aws:photos:::albums/public/*"},
            {"Sid": "List", "Effect": "Allow", "Action": "photos:ListAlbum", "Resource": "arn:aws:photos:::albums",
             "Condition": {"StringLike": {"photos:prefix": ["public/*", "${cognito-identity.amazonaws.com:sub}/*"]}}},
            {"Sid": "TeamTable", "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"],
             "Resource": f"{ACCOUNT}:table/${{aws:PrincipalTag/team, 'none'}}-*"},
            {"Sid": "Office", "Effect": "Allow", "Action": "reports:*", "Resource": "*",
             "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]},
                           "DateLessThan": {"aws:CurrentTime": "2036-01-01T00:00:00Z"}}},
            {"Sid": "Editors", "Effect": "Allow", "Action": "articles:Publish", "Resource": "arn:aws:articles:::*",
             "Condition": {"ForAnyValue:StringEquals": {"cognito:groups": ["editors", "chiefs"]}}},
            {"Sid": "Small", "Effect": "Allow", "Action": "files:Upload", "Resource": "arn:aws:files:::in/*",
             "Condition": {"NumericLessThanEquals": {"files:size": 1048576}}},
            {"Sid": "Queue", "Effect": "Allow", "Action": "sqs:SendMessage",
             "Resource": "arn:aws:sqs:us-east-1:000000000000:upload-??"},
            {"Sid": "NoTrash", "Effect": "Deny", "Action": "photos:Delete*", "Resource": "arn:aws:photos:::*/keep/*"},
            {"Sid": "SecondFactor", "Effect": "Deny", "NotAction": ["photos:*", "dynamodb:*", "reports:*", "sqs:*"],
             "Resource": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}},
        ],
    },
    name="bench",
    kind="identity",
)  # fmt: skip

ANN = Principal("arn:aws:sts::000000000000:assumed-role/App/ann", role="arn:aws:iam::000000000000:role/App")
CONTEXT = {
    "cognito-identity.amazonaws.com:sub": "us-east-1:7f0c9c1e",
    "aws:PrincipalTag/team": "red",
    "aws:SourceIp": "203.0.113.9",
    "aws:CurrentTime": "2026-05-01T12:00:00Z",
    "aws:MultiFactorAuthPresent": "true",
    "cognito:groups": ["writers", "editors"],
}


def _question(action: str, resource: str) -> Callable[[], Request]:
    return lambda: Request(action, resource, CONTEXT, ANN)


QUESTIONS: dict[str, tuple[Callable[[], Request], Effect]] = {
    "own folder": (_question("photos:GetObject", "arn:aws:photos:::albums/us-east-1:7f0c9c1e/1.jpg"), Effect.ALLOW),
    "another folder": (_question("photos:GetObject", "arn:aws:photos:::albums/eu:0/1.jpg"), Effect.IMPLICIT_DENY),
    "kept folder": (
        _question("photos:DeleteObject", "arn:aws:photos:::albums/us-east-1:7f0c9c1e/keep/1.jpg"), Effect.EXPLICIT_DENY,
    ),
    "team's table": (_question("dynamodb:Query", f"{ACCOUNT}:table/red-orders"), Effect.ALLOW),
    "address and date": (_question("reports:Read", "arn:aws:reports:::2026"), Effect.ALLOW),
    "group": (_question("articles:Publish", "arn:aws:articles:::1"), Effect.ALLOW),
}  # fmt: skip


def rate(ask: Callable[[], object], seconds: float) -> float:
    """Call again and again for so long; return calls a second."""
    calls, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        for _ in range(200):
            ask()
        calls += 200
    return calls / spent


def mixed(seconds: float = 1.0) -> float:
    """Decisions a second when every kind of question comes as often, each measured for so long."""
    requests = [build() for build, _ in QUESTIONS.values()]
    return len(requests) / sum(1 / rate(lambda asked=asked: decide(asked, [POLICY]), seconds) for asked in requests)  # type: ignore[misc]


def main(seconds: float = 1.0) -> int:
    """Measure, print, and judge."""
    print(f"{'question':<18} {'decide':>12} {'with Request':>14}   (a second, one core)")
    whole = 0.0
    for name, (build, expected) in QUESTIONS.items():
        request = build()
        assert decide(request, [POLICY]).effect is expected, name
        alone = rate(lambda request=request: decide(request, [POLICY]), seconds)  # type: ignore[misc]
        built = rate(lambda build=build: decide(build(), [POLICY]), seconds)  # type: ignore[misc]
        whole += 1 / alone
        print(f"{name:<18} {alone:>12,.0f} {built:>14,.0f}")
    mix = len(QUESTIONS) / whole
    print(f"{'mix':<18} {mix:>12,.0f}   promise {PROMISE:,}: {'kept' if mix >= PROMISE else 'NOT KEPT'}")
    return 0 if mix >= PROMISE else 1


if __name__ == "__main__":
    sys.exit(main(*(float(given) for given in sys.argv[1:2])))

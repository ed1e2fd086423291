"""The results as a page: one table with targets, the rest as short ones."""

import statistics
from dataclasses import dataclass, field

from bench.counts import Count
from bench.permissions import FEW, Library
from bench.runs import Compared, Grown, Mixed, Sample

MOST_GROWTH = 1.2  # among many identities a call may take this much longer than among few


@dataclass
class Results:
    """All that one run of the bench found."""

    date: str
    conditions: dict[str, str]
    compared: list[Compared] = field(default_factory=list)
    counts: dict[str, Count] = field(default_factory=dict)
    mixed: list[Mixed] = field(default_factory=list)
    listing: dict[int, dict[str, Sample]] = field(default_factory=dict)
    filling: dict[int, float] = field(default_factory=dict)
    listing_counts: dict[str, Count] = field(default_factory=dict)
    grown: list[Grown] = field(default_factory=list)
    identities: int = 0
    grown_counts: dict[str, tuple[Count, Count]] = field(default_factory=dict)
    library: list[Library] = field(default_factory=list)
    first_token: list[float] = field(default_factory=list)
    idle_megabytes: float = 0.0
    after_megabytes: float = 0.0
    first_token_processor: list[float] = field(default_factory=list)


def page(results: Results) -> str:
    parts = [
        f"# Speed on {results.conditions['Processor']}, {results.date}",
        "\n".join(f"- {name}: {value}" for name, value in results.conditions.items()),
        "Each scenario runs in turns with its ceiling: the least work that could give such an answer, as a bare WSGI "
        "program under the same HTTP server. *Ratio* is the median of the pairs. *By CPU* counts against the processor "
        "time that the server's processes used, which other programs on the machine disturb less; it leaves out "
        "waiting for the disk. Latencies are in milliseconds.",
        "## Scenarios",
        _scenarios(results),
        "## SQL on a warm server",
        _counts(results),
        "## Token requests while people sign in",
        _mixed(results.mixed) or "Not measured in this run.",
        "## Identities: few and many",
        _grown(results),
        "## The client library on one core",
        _library(results.library),
        "## ListUsers",
        _listing(results),
        "## Memory and start",
        _rest(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown; all columns but the first are numbers."""
    marks = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, marks, *rows])


def reached(yes: bool) -> str:
    return "yes" if yes else "**no**"


def number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _scenarios(results: Results) -> str:
    head = [
        "scenario",
        "req/s",
        "req/s by CPU",
        "p50",
        "p99",
        "ceiling req/s",
        "ratio",
        "ratio by CPU",
        "target",
        "reached",
        "the ceiling's work",
    ]
    rows = []
    for one in results.compared:
        ratio, target = one.ratio(), one.scenario.target
        digits = 1 if (one.median("server", "rate") or 0) < 100 else 0
        rows.append(
            [
                one.scenario.name,
                number(one.median("server", "rate"), digits),
                number(one.median("server", "by_processor"), digits),
                number(one.median("server", "p50"), 2),
                number(one.median("server", "p99"), 2),
                number(one.median("ceiling", "rate"), digits),
                number(ratio, 2),
                number(one.ratio("by_processor"), 2),
                number(target, 2),
                reached(ratio >= target) if ratio is not None and target is not None else "",
                one.scenario.note,
            ]
        )
    return table(head, rows)


def _counts(results: Results) -> str:
    rows = []
    for one in results.compared:
        found, scenario = results.counts.get(one.scenario.name), one.scenario
        if found is None:
            continue
        promised = [(found.statements, scenario.statements), (found.commits, scenario.commits)]
        kept = all(limit is None or value <= limit for value, limit in promised)
        rows.append(
            [
                scenario.name,
                str(found.requests),
                str(found.statements),
                number(scenario.statements),
                str(found.commits),
                number(scenario.commits),
                reached(kept),
            ]
        )
    return table(["scenario", "requests", "statements", "at most", "commits", "at most", "kept"], rows)


def _mixed(mixed: list[Mixed]) -> str:
    rows = [
        [
            one.how,
            number(one.alone.p50, 2),
            number(one.alone.p99, 2),
            number(one.alone.rate),
            number(one.beside.p50, 2),
            number(one.beside.p99, 2),
            number(one.beside.rate),
            number(one.sign_ins.rate, 1),
            number(one.growth, 2),
            "2.00",
            reached(one.growth <= 2),
        ]
        for one in mixed
    ]
    head = [
        "client_credentials",
        "p50 alone",
        "p99 alone",
        "req/s alone",
        "p50 beside",
        "p99 beside",
        "req/s beside",
        "sign-ins/s",
        "p99 grows by",
        "target",
        "reached",
    ]
    return table(head, rows) if rows else ""


def _listing(results: Results) -> str:
    sizes = sorted(results.listing)
    if not sizes:
        return "Not measured in this run."
    rows = []
    for question in results.listing[sizes[0]]:
        times = [results.listing[size][question].p50 for size in sizes]
        found = results.listing_counts.get(question)
        rows.append(
            [
                question,
                str(found.statements) if found else "",
                *[number(time, 2) for time in times],
                number(times[-1] / times[0] if times[0] else None, 2),
                reached(times[-1] <= 1.5 * times[0]),
            ]
        )
    head = ["p50 of a page", "statements", *[f"{size:,} users" for size in sizes], "growth", "at most 1.5"]
    filled = ", ".join(f"{size:,} users in {results.filling[size]:.1f} s" for size in sizes if size in results.filling)
    return table(head, rows) + f"\n\nFilled by SQL: {filled}. One connection asks; the call is signed and verified."


def _grown(results: Results) -> str:
    if not results.grown:
        return "Not measured in this run."
    rows = []
    for one in results.grown:
        few, many = results.grown_counts.get(one.scenario.name, (None, None))
        shown = [f"{found.statements} / {found.commits}" if found else "" for found in (few, many)]
        rows.append(
            [
                one.scenario.name,
                *shown,
                number(one.median("few"), 3),
                number(one.median("many"), 3),
                number(one.ratio, 2),
                number(one.ratio_by_processor, 2),
                number(MOST_GROWTH, 2),
                reached(one.ratio <= MOST_GROWTH and few == many),
            ]
        )
    few_, many_ = f"{FEW:,}", f"{results.identities:,}"
    head = ["call", f"statements / commits at {few_}", f"at {many_}", f"p50 ms at {few_}", f"p50 ms at {many_}"]
    note = "\n\nTwo servers over copies of one database, asked in turns over one connection."
    return table([*head, "time ratio", "ratio by CPU", "at most", "reached"], rows) + note


def _library(rows: list[Library]) -> str:
    if not rows:
        return "Not measured in this run."
    return table(
        ["what", "a second", "promise", "reached"],
        [
            [
                one.name,
                number(one.rate),
                number(one.promise),
                reached(one.rate >= one.promise) if one.promise is not None else "",
            ]
            for one in rows
        ],
    )


def _rest(results: Results) -> str:
    start = statistics.median(results.first_token or [0.0])
    worked = statistics.median(results.first_token_processor or [0.0])
    rows = [
        [
            "memory idle, one worker, all processes, shared pages once (MB)",
            number(results.idle_megabytes),
            "150",
            reached(results.idle_megabytes < 150),
        ],
        ["the same after the run (MB)", number(results.after_megabytes), "", ""],
    ]
    if results.first_token:
        rows += [
            ["from start to first token (s)", number(start, 2), "2.00", reached(start < 2)],
            ["of that, processor time (s)", number(worked, 2), "", ""],
        ]
    return table(["what", "measured", "target", "reached"], rows)

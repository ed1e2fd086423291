"""Running the scenarios: server and ceiling in turns, since a machine's mood lasts longer than a run."""

import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bench import load
from bench.load import Load, Measured, Stories
from bench.machine import ROOT, Process, on_server_core
from bench.scenarios import Scenario


@dataclass(frozen=True)
class Sample:
    """One run: units a second by the clock and by the processor time that the server used, latencies in ms."""

    rate: float
    by_processor: float
    p50: float
    p99: float


@dataclass
class Compared:
    """A scenario's runs, beside its ceiling's."""

    scenario: Scenario
    server: list[Sample] = field(default_factory=list)
    ceiling: list[Sample] = field(default_factory=list)

    def median(self, side: str, what: str) -> float | None:
        samples = self.server if side == "server" else self.ceiling
        return statistics.median(getattr(sample, what) for sample in samples) if samples else None

    def ratio(self, what: str = "rate") -> float | None:
        """The median of the pairs' ratios: both halves of a pair saw the same machine."""
        pairs = [
            getattr(ours, what) / getattr(theirs, what)
            for ours, theirs in zip(self.server, self.ceiling, strict=False)
            if getattr(theirs, what)
        ]
        return statistics.median(pairs) if pairs else None


@dataclass(frozen=True)
class Target:
    """A server to put load on."""

    base: str
    process: Process

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", urlsplit(self.base).port or 80

    def sample(self, stories: Stories, connections: int, seconds: float) -> Sample:
        before = self.process.cpu_seconds()
        (measured,) = load.run([Load(self.address, stories, connections)], seconds)
        used = self.process.cpu_seconds() - before
        # The processor also worked while the load warmed up and drained: count in proportion.
        share = measured.seconds / (measured.seconds + load.WARM)
        return sample_of(measured, measured.done / (used * share) if used else 0.0)


def sample_of(measured: Measured, by_processor: float = 0.0) -> Sample:
    return Sample(measured.rate, by_processor, measured.percentile(0.50), measured.percentile(0.99))


def compare(
    scenarios: list[Scenario], server: Target, peers: Target, rounds: int, seconds: float, say: Callable[[str], None]
) -> list[Compared]:
    """Every scenario `rounds` times, each time followed at once by its ceiling."""
    results = [Compared(scenario) for scenario in scenarios]
    for result in results:
        scenario = result.scenario
        say(scenario.name)
        for _ in range(rounds):
            result.server.append(server.sample(scenario.stories, scenario.connections, seconds))
            if scenario.ceiling is not None:
                result.ceiling.append(peers.sample(scenario.ceiling, scenario.connections, seconds))
    return results


@dataclass
class Grown:
    """A scenario among few and among many: runs in turns on two servers that differ in nothing else."""

    scenario: Scenario
    few: list[Sample] = field(default_factory=list)
    many: list[Sample] = field(default_factory=list)

    def median(self, side: str) -> float:
        """p50 in milliseconds, of "few" or "many"."""
        samples = self.few if side == "few" else self.many
        return statistics.median(sample.p50 for sample in samples)

    @property
    def ratio(self) -> float:
        """How much longer it takes among many: the median of the pairs."""
        return statistics.median(many.p50 / few.p50 for few, many in zip(self.few, self.many, strict=True))

    @property
    def ratio_by_processor(self) -> float:
        """The same by the processor time that the two servers used; 0 where the system does not say."""
        pairs = [(few.by_processor, many.by_processor) for few, many in zip(self.few, self.many, strict=True)]
        return statistics.median(few / many for few, many in pairs) if all(min(pair) for pair in pairs) else 0.0


def grow(scenarios: list[Scenario], few: Target, many: Target, rounds: int, seconds: float) -> list[Grown]:
    """Every scenario on both, over one connection: what a call takes, not how many fit beside each other.

    Many short turns, now the one and now the other first: what else the machine does meets both alike.
    """
    results = [Grown(scenario) for scenario in scenarios]
    for result in results:
        for turn in range(rounds):
            pair = [(few, result.few), (many, result.many)]
            for target, samples in pair if turn % 2 else reversed(pair):
                samples.append(target.sample(result.scenario.stories, 1, seconds))
    return results


def compare_hashing(scenario: Scenario, server: Target, bcrypt_rounds: int, rounds: int, seconds: float) -> Compared:
    """Sign-ins by password beside bcrypt alone on the same core."""
    result = Compared(scenario)
    for _ in range(rounds):
        result.server.append(server.sample(scenario.stories, scenario.connections, seconds))
        result.ceiling.append(_bcrypt(bcrypt_rounds, seconds))
    return result


def _bcrypt(bcrypt_rounds: int, seconds: float) -> Sample:
    command = on_server_core([sys.executable, "-m", "bench.peers.hashing", str(bcrypt_rounds), str(seconds)])
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    rate, by_processor = map(float, output)
    return Sample(rate, by_processor, 1000 / rate, 1000 / rate)


@dataclass(frozen=True)
class Mixed:
    """client_credentials alone and while sign-ins keep every hashing thread busy."""

    how: str
    alone: Sample
    beside: Sample
    sign_ins: Sample

    @property
    def growth(self) -> float:
        return self.beside.p99 / self.alone.p99 if self.alone.p99 else 0.0


def mix(server: Target, tokens: Stories, sign_ins: Stories, seconds: float, rate: float | None) -> Mixed:
    """`rate` None: tokens as fast as they come, else so many a second, as independent callers ask for them."""
    how = "as fast as answers come, 8 connections" if rate is None else f"{rate:.0f} a second, paced"
    connections = 8 if rate is None else 32
    (alone,) = load.run([Load(server.address, tokens, connections, rate)], seconds)
    beside, storm = load.run(
        [Load(server.address, tokens, connections, rate), Load(server.address, sign_ins, 8)], seconds, warm=1.0
    )
    return Mixed(how, sample_of(alone), sample_of(beside), sample_of(storm))

"""`python -m bench`: measure the server on this machine and write a page to bench/results/."""

import argparse
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import requests

from bench import counts, directory, machine, permissions, runs, tenant
from bench.load import Load, repeat, run
from bench.machine import Process
from bench.report import Results, page
from bench.runs import Target
from bench.scenarios import (
    CONNECTIONS,
    Scenario,
    client_credentials,
    every,
    listing,
)
from bench.tenant import Administrator, Tenant

BIN = Path(sys.executable).parent


class Bench:
    """One run: its options, its directory, its servers."""

    def __init__(self, options: argparse.Namespace, directory_: Path) -> None:
        self.options, self.data = options, directory_
        self.base = f"http://localhost:{machine.free_port()}"
        self.peers = f"http://localhost:{machine.free_port()}"
        self.few = f"http://localhost:{machine.free_port()}"
        self.administrator = Administrator()
        self.running: list[Process] = []
        self.results = Results(time.strftime("%Y-%m-%d"), machine.conditions(directory_))
        self.results.conditions["Password hashes"] = f"bcrypt, {options.bcrypt_rounds} rounds"
        self.results.conditions["Runs"] = f"{options.rounds} of {options.seconds} s, {CONNECTIONS} connections"

    def say(self, what: str) -> None:
        print(f"{time.perf_counter() - BEGAN:6.1f} s  {what}", file=sys.stderr, flush=True)

    # --- servers ---

    def environ(self) -> dict[str, str]:
        return {
            "POOLHOUSE_DATA_DIR": str(self.data / "server"),
            "POOLHOUSE_HOST": "127.0.0.1",
            "POOLHOUSE_PORT": str(urlsplit(self.base).port),
            "POOLHOUSE_PUBLIC_URL": self.base,
            "POOLHOUSE_WORKERS": "1",
            "POOLHOUSE_BCRYPT_ROUNDS": str(self.options.bcrypt_rounds),
            "POOLHOUSE_ACCESS_KEY_ID": self.administrator.key_id,
            "POOLHOUSE_SECRET_ACCESS_KEY": self.administrator.secret,
            "POOLHOUSE_LOG_LEVEL": "warning",
            "POOLHOUSE_GUESTS_AN_HOUR": "0",
        }

    def environ_of_few(self) -> dict[str, str]:
        """Another server of the same name, over the database as it was when it held few identities."""
        port = str(urlsplit(self.few).port)
        return {**self.environ(), "POOLHOUSE_DATA_DIR": str(self.data / "few"), "POOLHOUSE_PORT": port}

    def granian(self, base: str, app: str, environ: dict[str, str], *, threads: int) -> Process:
        port = str(urlsplit(base).port)
        command = [str(BIN / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", port, "--workers", "1"]
        command += ["--blocking-threads", str(threads), "--no-ws", "--http", "1", app]
        process = Process(command, environ, self.data / "log")
        self.running.append(process)
        return process

    def counting_server(self, base: str = "", environ: dict[str, str] | None = None) -> Process:
        server = self.granian(base or self.base, "bench.serve:app", environ or self.environ(), threads=4)
        server.wait_for((base or self.base) + "/healthz")
        return server

    def real_server(self, environ: dict[str, str] | None = None) -> Process:
        server = Process([str(BIN / "poolhouse"), "serve"], environ or self.environ(), self.data / "log")
        self.running.append(server)
        return server

    def peer_server(self) -> Process:
        environ = {"BENCH_PEER_DATABASE": str(self.data / "peers.db")}
        server = self.granian(self.peers, "bench.peers.ceiling:app", environ, threads=1)
        server.wait_for(self.peers + "/hello")
        return server

    def stop(self) -> None:
        while self.running:
            self.running.pop().stop()

    # --- the run ---

    def everything(self) -> None:
        self.say("setting up")
        sized = self.set_up()
        self.count_grown()
        if not self.options.only:
            self.time_to_first_token()
        server, peers = self.real_server(), self.peer_server()
        server.wait_for(self.base + "/healthz")
        time.sleep(1)
        self.results.idle_megabytes = server.megabytes()
        self.measure(Target(self.base, server), Target(self.peers, peers))
        self.list_users(Target(self.base, server), sized)
        self.grow(Target(self.base, server))
        self.say("the client library")
        self.results.library = permissions.library(self.options.seconds)
        self.results.after_megabytes = server.megabytes()

    def set_up(self) -> dict[int, str]:
        """Pools and users, by the API and by SQL; SQL statements counted on the way. Returns pool ids by size."""
        counting = self.counting_server()
        self.tenant = tenant.furnish(self.base, self.administrator)
        self.guarded = permissions.furnish(self.base, self.administrator, self.tenant)
        idp = self.administrator.client(self.base)
        sized = {size: idp.create_user_pool(PoolName=f"{size} users")["UserPool"]["Id"] for size in self.options.users}
        self.count(Target(self.base, counting), next(iter(sized.values()), None))
        counting.stop()
        self.fill_identities()
        for size, pool_id in sized.items():
            self.say(f"filling a pool with {size:,} users")
            self.results.filling[size] = directory.fill(self.data / "server" / "poolhouse.db", pool_id, size)
        return sized

    def fill_identities(self) -> None:
        """The same database twice: with few identities, and with many."""
        many = self.options.identities
        self.say(f"filling an identity pool with {many:,} identities")
        permissions.fill(self.data / "server" / "poolhouse.db", self.guarded, permissions.FEW)
        shutil.copytree(self.data / "server", self.data / "few")
        permissions.fill(self.data / "server" / "poolhouse.db", self.guarded, many - permissions.FEW)
        self.results.identities = many

    def count_grown(self) -> None:
        """Statements and commits at both sizes."""
        scenarios = permissions.growing(self.base, self.guarded)
        found = []
        for base, environ in ((self.few, self.environ_of_few()), (self.base, self.environ())):
            server = self.counting_server(base, environ)
            found.append(counts.count_all(Target(base, server).address, scenarios))
            server.stop()
        self.results.grown_counts = {one.name: (found[0][one.name], found[1][one.name]) for one in scenarios}

    def grow(self, many: Target) -> None:
        self.say(f"identities: {permissions.FEW:,} against {self.options.identities:,}")
        server = self.real_server(self.environ_of_few())
        server.wait_for(self.few + "/healthz")
        scenarios = permissions.growing(self.base, self.guarded)
        self.results.grown = runs.grow(
            scenarios, Target(self.few, server), many, self.options.turns, max(0.2, self.options.seconds / 5)
        )
        server.stop()

    def count(self, target: Target, listed: str | None) -> None:
        self.say("counting SQL statements")
        scenarios = self.scenarios("none")
        self.results.counts = counts.count_all(target.address, scenarios)
        if listed:
            questions = listing(self.base, self.administrator, listed, 0, None)
            self.results.listing_counts = {
                name: counts.count(target.address, stories) for name, stories in questions.items()
            }

    def scenarios(self, peer_token: str) -> list[Scenario]:
        *compared, signing_in = every(self.base, self.tenant, self.peers, peer_token)
        guarded = permissions.every(self.base, self.tenant, self.guarded, self.peers, peer_token)
        wanted = [one for one in (*compared, *guarded) if self.options.only in one.name]
        return [*wanted, signing_in]

    def time_to_first_token(self) -> None:
        self.say("starting, three times")
        for _ in range(3):
            server = self.real_server()
            self.results.first_token.append(first_token(self.base, self.tenant, server))
            self.results.first_token_processor.append(server.cpu_seconds())
            server.stop()

    def measure(self, server: Target, peers: Target) -> None:
        options, results = self.options, self.results
        peer_token = requests.get(self.peers + "/token", timeout=10).json()["access_token"]
        *compared, signing_in = self.scenarios(peer_token)
        results.compared = runs.compare(compared, server, peers, options.rounds, options.seconds, self.say)
        if not options.only:
            self.beside_hashing(server, signing_in)

    def beside_hashing(self, server: Target, signing_in: Scenario) -> None:
        """Sign-ins by password, alone and with token requests beside them."""
        options, results = self.options, self.results
        self.say(signing_in.name)
        hashing = options.bcrypt_rounds, options.rounds, max(options.seconds, options.hashing_seconds)
        results.compared.append(runs.compare_hashing(signing_in, server, *hashing))
        fast = next(one for one in results.compared if one.scenario.name == "client_credentials")
        pace = (fast.median("server", "rate") or 0) * 0.25
        tokens = repeat(client_credentials(urlsplit(self.base).netloc, self.tenant))
        for rate in (None, pace):
            self.say("client_credentials beside sign-ins")
            results.mixed.append(runs.mix(server, tokens, signing_in.stories, options.hashing_seconds, rate))

    def list_users(self, server: Target, sized: dict[int, str]) -> None:
        idp = self.administrator.client(self.base)
        for size, pool_id in sized.items():
            self.say(f"listing {size:,} users")
            token = None
            for _ in range(8):
                token = idp.list_users(UserPoolId=pool_id, **({"PaginationToken": token} if token else {})).get(
                    "PaginationToken"
                )
            questions = listing(self.base, self.administrator, pool_id, size, token)
            self.results.listing[size] = {
                name: runs.sample_of(run([Load(server.address, stories, 1)], self.options.seconds / 2, warm=0.1)[0])
                for name, stories in questions.items()
            }


def first_token(base: str, owner: Tenant, server: Process) -> float:
    """Seconds from the start of the process until a client has a token."""
    body = {"grant_type": "client_credentials", "scope": tenant.SCOPE}
    while time.perf_counter() - server.began < 30:
        server.check()
        try:
            got = requests.post(
                base + owner.oauth("token"), body, headers={"Authorization": owner.machine.basic}, timeout=10
            )
        except requests.ConnectionError:
            time.sleep(0.01)
            continue
        assert got.status_code == 200, got.text
        return time.perf_counter() - server.began
    raise SystemExit("no token within 30 s")


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a look in about two minutes: two short runs each, cheap hashes"
    )
    parser.add_argument("--rounds", type=int, help="runs of each scenario (3)")
    parser.add_argument("--seconds", type=float, help="seconds of each run (2)")
    parser.add_argument("--bcrypt-rounds", type=int, help="cost of password hashes (12)")
    parser.add_argument("--million", action="store_true", help="ListUsers among a million users too: two minutes more")
    parser.add_argument("--only", default="", metavar="TEXT", help="scenarios with TEXT in their name, and no users")
    parser.add_argument("--identities", type=int, help="how many are many, for GetId and credentials (100,000)")
    parser.add_argument("--no-write", action="store_true", help="print the page only")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (2 if options.quick else 3)
    options.seconds = options.seconds or (0.8 if options.quick else 2.0)
    options.bcrypt_rounds = options.bcrypt_rounds or (10 if options.quick else 12)
    options.hashing_seconds = 2.0 if options.quick else 6.0
    options.turns = 4 if options.quick else 10
    options.identities = options.identities or (10_000 if options.quick else 100_000)
    options.users = (
        []
        if options.only
        else [1_000]
        if options.quick
        else [1_000, 100_000, *([1_000_000] if options.million else [])]
    )
    return options


def main() -> None:
    options = options_of()
    machine.pin_load()
    with tempfile.TemporaryDirectory(prefix="poolhouse-bench-") as name:
        bench = Bench(options, Path(name))
        try:
            bench.everything()
        except BaseException:
            print((bench.data / "log").read_text(errors="replace")[-3000:], file=sys.stderr)
            raise
        finally:
            bench.stop()
    text = page(bench.results)
    print(text)
    if not options.no_write:
        slug = re.sub(r"[^a-z0-9]+", "-", machine.cpu().lower()).strip("-")
        path = machine.ROOT / "bench" / "results" / f"{bench.results.date}-{slug}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        print(f"Written to {path.relative_to(machine.ROOT)}", file=sys.stderr)


BEGAN = time.perf_counter()

if __name__ == "__main__":
    main()

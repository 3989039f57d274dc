"""benchmark-cluster inside of a cluster that is whole: each of Temporal's services a process, PostgreSQL with and without TLS, and
OpenSearch.

full_server.py PROGRAMS SERVERS OPENSEARCH MAPPER JAVA: folders with our programs and with Temporal's; OpenSearch's distribution
and its module as files; a Java. Needs root.
"""

import contextlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docker/tests"))

from processes import PATIENCE, Processes, fail, free_ports, postgres, postgres_program  # noqa: E402

PROGRAMS, SERVERS, OPENSEARCH, MAPPER, JAVA = (pathlib.Path(path).resolve() for path in sys.argv[1:])
USER, PASSWORD, DATABASE, INDEX = "temporal", "of-this-test-only", "temporal", "temporal_visibility_v1"
# In the order in which they are brought up.
SERVICES = ("history", "matching", "frontend", "worker")
# What OpenSearch does not say in its descriptor when it is a module by itself.
DESCRIPTOR = """description=Adds advanced field mappers
version={version}
name=mapper-extras
classname=org.opensearch.index.mapper.MapperExtrasModulePlugin
java.version=21
opensearch.version={version}
"""


def check(said, holds):
    if not holds:
        fail(said)


class Cluster(Processes):
    """The processes, and where each listens."""

    def __init__(self, folder):
        super().__init__(folder)
        names = ["postgres", "opensearch", "transport", "ecs"]
        names += [f"{service}-{kind}" for service in SERVICES for kind in ("grpc", "membership", "metrics")]
        self.port = dict(zip(names, free_ports(len(names)), strict=True))
        self.path = {"PATH": f"{SERVERS}:{os.environ['PATH']}", "HOME": "/", "USER": "temporal"}

    def sql(self, *statements):
        """What psql prints of the statements, as the database's owner."""
        at = ["-h", "127.0.0.1", "-p", str(self.port["postgres"]), "-U", USER, "-d", DATABASE]
        words = [word for statement in statements for word in ("-c", statement)]
        psql = [postgres_program("psql"), *at, "-v", "ON_ERROR_STOP=1", "-qAt", *words]
        return subprocess.run(psql, env=self.path | {"PGPASSWORD": PASSWORD}, capture_output=True, text=True)

    def value(self, statement):
        done = self.sql(statement)
        check(f"{statement}: {done.stderr}", done.returncode == 0)
        return done.stdout.strip()

    def search(self, path, query=None):
        """What OpenSearch answers."""
        body = None if query is None else json.dumps(query).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port['opensearch']}/{path}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)

    def database(self):
        """The variables that name the database, for the server and for us."""
        return {
            "TEMPORAL_SQL_HOST": "127.0.0.1",
            "TEMPORAL_SQL_PORT": str(self.port["postgres"]),
            "TEMPORAL_SQL_USER": USER,
            "TEMPORAL_SQL_PASSWORD": PASSWORD,
            "TEMPORAL_SQL_DATABASE": DATABASE,
        }

    def ours(self, *arguments, **variables):
        """benchmark-cluster, until it ends."""
        command = [str(PROGRAMS / "benchmark-cluster"), *arguments]
        return subprocess.run(command, env=self.path | self.database() | variables, capture_output=True, text=True, timeout=PATIENCE)

    def serve(self, service):
        """One of the server's services, as its task would start it."""
        ports = {f"{name.upper()}_{kind.upper()}_PORT": str(self.port[f"{name}-{kind}"]) for name in SERVICES for kind in ("grpc", "membership")}
        variables = {
            "SERVICES": service,
            "DEPLOY_ENVIRONMENT": "dev",
            "DYNAMIC_CONFIG_DIR": str(ROOT / "docker/dynamicconfig"),
            "LOG_LEVEL": "warn",
            "BIND_ON_IP": "127.0.0.1",
            "PROMETHEUS_ENDPOINT": f"127.0.0.1:{self.port[f'{service}-metrics']}",
            "TEMPORAL_HISTORY_SHARDS": "16",
            "TEMPORAL_SQL_PLUGIN": "postgres12",
            "TEMPORAL_ELASTICSEARCH_SCHEME": "http",
            "TEMPORAL_ELASTICSEARCH_HOST": "127.0.0.1",
            "TEMPORAL_ELASTICSEARCH_PORT": str(self.port["opensearch"]),
            "TEMPORAL_ELASTICSEARCH_INDEX": INDEX,
        }
        if service == "history":
            # As on ECS: it listens everywhere, and ECS says where others reach it. And as with DSQL.
            variables |= {"BIND_ON_IP": "0.0.0.0", "METRICS_FRAMEWORK": "opentelemetry"}
            variables["ECS_CONTAINER_METADATA_URI_V4"] = f"http://127.0.0.1:{self.port['ecs']}/v4/history"
        if service == "matching":
            # With TLS, to an authority that is not this machine's.
            variables |= {"TEMPORAL_SQL_TLS_ENABLED": "true", "TEMPORAL_SQL_TLS_CA_FILE": str(self.folder / "authority.pem")}
            variables |= {"TEMPORAL_SQL_HOST": "localhost"}
        self.start(service, [str(PROGRAMS / "benchmark-cluster"), "temporal"], self.path | self.database() | ports | variables)

    def serve_all(self):
        """In order, each waited for, as `up` does: two that begin on an empty database at once both write the cluster's name."""
        for service in SERVICES:
            self.serve(service)
            # The health check of the task.
            kind = "membership" if service == "worker" else "grpc"
            url = f"tcp://127.0.0.1:{self.port[f'{service}-{kind}']}"
            self.wait_for(service, lambda url=url: self.ours("probe", url).returncode == 0)


def certificates(folder):
    """A certificate of localhost that PostgreSQL can read, and the authority that signed it, which nobody else knows."""
    openssl = shutil.which("openssl") or fail("openssl is not on PATH; it makes PostgreSQL's certificate")
    for command in (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout authority.key -out authority.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout server.key -out server.csr",
        "x509 -req -days 2 -in server.csr -copy_extensions copy -CA authority.pem -CAkey authority.key -out server.pem",
    ):
        subprocess.run([openssl, *command.split()], cwd=folder, check=True, capture_output=True)
    for name in ("server.key", "server.pem"):
        shutil.chown(folder / name, "nobody")
    (folder / "server.key").chmod(0o600)
    return ["-c", "ssl=on", "-c", f"ssl_cert_file={folder}/server.pem", "-c", f"ssl_key_file={folder}/server.key"]


@contextlib.contextmanager
def ecs(port):
    """What ECS tells a container about itself."""

    class Metadata(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": ["127.0.0.1"]}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Metadata) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def opensearch(cluster):
    """One node of OpenSearch without security. It does not run as root."""
    home = cluster.folder / "opensearch"
    with zipfile.ZipFile(OPENSEARCH) as archive:
        archive.extractall(cluster.folder)
        (name,) = {entry.split("/")[0] for entry in archive.namelist()}
    (cluster.folder / name).rename(home)
    module = home / "modules/mapper-extras"
    module.mkdir()
    shutil.copy(MAPPER, module)
    (module / "plugin-descriptor.properties").write_text(DESCRIPTOR.format(version=name.rpartition("-")[2]))
    settings = {
        "discovery.type": "single-node",
        "network.host": "127.0.0.1",
        "http.port": cluster.port["opensearch"],
        "transport.port": cluster.port["transport"],
        # A full disk of the machine is none of this test's.
        "cluster.routing.allocation.disk.threshold_enabled": False,
    }
    (home / "config/opensearch.yml").write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items()))
    for path in [home, *home.rglob("*")]:
        shutil.chown(path, "nobody")
    variables = {"PATH": os.environ["PATH"], "OPENSEARCH_JAVA_HOME": str(JAVA), "OPENSEARCH_JAVA_OPTS": "-Xms512m -Xmx512m", "HOME": str(home)}
    cluster.start("opensearch", ["bash", str(home / "bin/opensearch")], variables, user="nobody")

    def is_up():
        try:
            return cluster.search("_cluster/health")["status"] in ("green", "yellow")
        except (OSError, urllib.error.URLError):
            return False

    cluster.wait_for("opensearch", is_up)


def schema(cluster):
    """Schema and index by `setup`'s own script: the second time leaves everything as it is, and overwriting makes it anew."""
    variables = cluster.path | {
        "SQL_PLUGIN": "postgres12",
        "SQL_HOST": "127.0.0.1",
        "SQL_PORT": str(cluster.port["postgres"]),
        "SQL_USER": USER,
        "SQL_PASSWORD": PASSWORD,
        "SQL_DATABASE": DATABASE,
        "ES_SERVER": f"http://127.0.0.1:{cluster.port['opensearch']}",
        "ES_VERSION": "v8",
        "ES_VISIBILITY_INDEX": INDEX,
    }
    made = []
    for how in ("keep", "keep", "overwrite"):
        cluster.run("setup", ["sh", str(ROOT / "cluster/src/setup.sh"), "postgresql", "plain", how], variables)
        versions = cluster.value("SELECT curr_version, creation_time FROM schema_version")
        updates = cluster.value("SELECT count(*), max(update_time) FROM schema_update_history")
        index = cluster.search(f"{INDEX}/_settings")[INDEX]["settings"]["index"]
        made.append((versions, updates, index["uuid"]))
    first, second, anew = made
    check(f"the second time made something again: {made}", first == second)
    check(f"overwriting left something: {made}", not set(second) & set(anew))


def services(cluster):
    """Each is a process that became the server, without the password that is in its configuration."""
    for service in SERVICES:
        process = pathlib.Path(f"/proc/{cluster.running[service].pid}")
        check(f"{service} is not the server", (process / "exe").resolve().name == "temporal-server")
        check(f"{service} has the password in its environment", PASSWORD.encode() not in (process / "environ").read_bytes())
        page = f"http://127.0.0.1:{cluster.port[f'{service}-metrics']}/metrics"
        done = cluster.ours("probe", page)
        check(f"{page}: {done.stderr}", done.returncode == 0)
        with urllib.request.urlopen(page, timeout=60) as answer:
            series = {line.split("{")[0].split(" ")[0] for line in answer.read().decode().splitlines() if not line.startswith("#")}
        # One name whatever the framework, and seconds with opentelemetry.
        check(f"{service}: {sorted(series)}", {"persistence_requests", "persistence_latency_bucket"} <= series)
    check("matching speaks to the database without TLS", cluster.value("SELECT count(*) > 0 FROM pg_stat_ssl WHERE ssl") == "t")


def run(cluster):
    """A run whose ledger is what the server counts, through its frontend and in the index itself."""
    address = f"127.0.0.1:{cluster.port['frontend-grpc']}"
    command = [str(PROGRAMS / "run-benchmark"), "--address", address, "--rate", "10", "--duration", "10s", "--workers", "1"]
    cluster.start("generator", command, cluster.path)
    # 1 and 3 are verdicts on this machine's speed.
    cluster.expect_end("generator", codes=(0, 1, 3))
    (file,) = cluster.folder.glob("runs/*/results.json")
    result = json.loads(file.read_text())
    ledger, counted = result["ledger"], result["reconciliation"]
    if not result["complete"] or ledger["arrivals"] < 50 or ledger["arrivals"] != ledger["completed"]:
        cluster.tell("generator", f"has the ledger {ledger}")
    if counted["server"]["value"] is None or counted["disagreements"]:
        cluster.tell("generator", f"does not agree with the server: {counted}")
    cluster.search(f"{INDEX}/_refresh", {})
    query = {"query": {"bool": {"filter": [{"prefix": {"WorkflowId": result["run"]["id"]}}, {"term": {"ExecutionStatus": "Completed"}}]}}}
    in_index = cluster.search(f"{INDEX}/_count", query)["count"]
    check(f"{ledger['completed']} workflows completed, and the index has {in_index}", in_index == ledger["completed"])
    print(f"run: {ledger['completed']} of {ledger['arrivals']} workflows completed, {result['verdict']['value']}")


def stale(cluster):
    """Rows of servers that are gone, as a cluster that was scaled down and up leaves them."""
    row = "(0, decode(md5(n::text), 'hex'), '10.0.0.' || n, 6934, 1 + n % 4, now() - '2 hours'::interval, now() - '1 hour'::interval, now() + '1 day'::interval)"
    cluster.value(f"INSERT INTO cluster_membership SELECT {row[1:-1]} FROM generate_series(1, 40) n")


def recover(cluster):
    """Membership is shown, kept while a server is there, and empty afterwards; then the servers come up again."""
    done = cluster.ours("database", "membership")
    lines = done.stdout.splitlines()
    check(f"membership: {done}", done.returncode == 0 and lines[-1] == "44 rows, 4 with a heartbeat in the last 30 s")
    for service in SERVICES:
        own = f"{service} 127.0.0.1:{cluster.port[f'{service}-membership']}, last heartbeat "
        check(f"no row {own}: {lines}", any(line.startswith(own) for line in lines))
    done = cluster.ours("database", "clean-membership")
    refused = done.returncode == 2 and done.stderr.startswith("error: nothing was deleted: ") and done.stderr.count("\n") <= 2
    check(f"clean-membership beside servers that live: {done}", refused)
    secured = {"TEMPORAL_SQL_HOST": "localhost", "TEMPORAL_SQL_TLS_ENABLED": "true"}
    done = cluster.ours("database", "membership", SSL_CERT_FILE=str(cluster.folder / "authority.pem"), **secured)
    check(f"membership with TLS: {done}", done.returncode == 0 and done.stdout.splitlines()[-1] == lines[-1])
    done = cluster.ours("database", "membership", **secured)
    check(f"membership by an authority that is unknown: {done}", done.returncode == 2 and "certificate" in done.stderr)
    check("rows were deleted although it was refused", cluster.value("SELECT count(*) FROM cluster_membership") == "44")
    cluster.stop(*SERVICES)
    # The last heartbeat has to be 30 s old.
    end = time.monotonic() + PATIENCE
    while (done := cluster.ours("database", "clean-membership")).returncode != 0:
        check(f"clean-membership: {done}", time.monotonic() < end and "nothing was deleted" in done.stderr)
        time.sleep(1)
    check(f"clean-membership: {done}", done.stdout == "44 rows deleted\n")
    check("rows are left", cluster.value("SELECT count(*) FROM cluster_membership") == "0")
    cluster.serve_all()
    # Each says that it is there once it has joined.
    cluster.wait_for("worker", lambda: cluster.value("SELECT count(DISTINCT role) FROM cluster_membership") == "4")


def role(cluster):
    """A role that reads and writes rows, and nothing more; made once."""
    done = cluster.ours("database", "grant-role", DSQL_USER="servers")
    check(f"grant-role: {done}", done.returncode == 0 and done.stdout.startswith('CREATE ROLE "servers" WITH LOGIN\n'))
    done = cluster.ours("database", "grant-role", DSQL_USER="servers")
    check(f"grant-role again: {done}", done.returncode == 0 and "CREATE ROLE" not in done.stdout and "GRANT USAGE" in done.stdout)
    mine = 'SET ROLE "servers"'
    done = cluster.sql(mine, "SELECT count(*) FROM executions", "UPDATE cluster_membership SET rpc_port = rpc_port")
    check(f"the role may not do what servers do: {done.stderr}", done.returncode == 0)
    for statement in ("CREATE TABLE mine (n int)", "DROP TABLE executions", "ALTER TABLE executions ADD COLUMN n int"):
        done = cluster.sql(mine, statement)
        check(f"the role may: {statement}", done.returncode != 0 and ("permission denied" in done.stderr or "must be owner" in done.stderr))


def main():
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(folder)
        try:
            settings = ["-c", "max_connections=300", *certificates(cluster.folder)]
            postgres(cluster, cluster.port["postgres"], USER, PASSWORD, settings)
            with ecs(cluster.port["ecs"]):
                for step in (opensearch, schema, stale, Cluster.serve_all, services, run, recover, role):
                    begun = time.monotonic()
                    step(cluster)
                    print(f"{step.__name__}: {time.monotonic() - begun:.0f} s", flush=True)
        finally:
            cluster.stop()


main()

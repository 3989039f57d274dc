"""The tests' AWS, on one endpoint of this machine: a small ECS of the tests' own, its Auto Scaling, and moto for the rest.

What it is not: AWS. ECS and Auto Scaling are ours (`ecs.py`, `scaling.py` say what they leave out); S3, Cloud Map, Scheduler,
Logs and STS are moto's. Calls are held against the policies that Terraform gives to the operator and to the tasks' roles, and
are refused as AWS would; each is recorded. Task definitions are Terraform's, and their containers run as processes of this
machine (`containers.py`), with credentials of their own from the same address that ECS gives them.

By hand, after `cluster/test environment` has made what Terraform says:

    target/cluster/python/bin/python cluster/tests/cloud.py --temporal 127.0.0.1:7233

It prints the variables to set (`source` them), among them BENCHMARK_FACTS, and goes on until Ctrl-C. Everything begins with
nothing running. Programs come from target/debug, or from the folder in CLUSTER_TEST_PROGRAMS.
"""

import argparse
import atexit
import json
import os
import pathlib
import re
import secrets
import shlex
import shutil
import signal
import tempfile
import threading
import time
import urllib.error
import urllib.request

from environment import PROGRAMS, Environment

# moto reads this when it is loaded.
ENVIRONMENT = Environment()
os.environ["MOTO_ACCOUNT_ID"] = ENVIRONMENT.account
os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")

import boto3
from botocore.config import Config
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.servicediscovery.models import servicediscovery_backends
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

import asked
import policies
import signature
from containers import Containers, Nothing, free_port
from ecs import Ecs, Refused
from scaling import AutoScaling

# Key of the tests' own calls, which are neither recorded nor refused, and of a person's.
TESTS, OPERATOR = "AKIATESTS", "AKIAOPERATOR"
OWN = {"ecs", "autoscaling", "aps"}


class Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *arguments):
        """Silence: the calls are recorded."""


class Call:
    """A call that was made: by whom, for what, and how it was answered."""

    def __init__(self, principal, asked_for):
        self.principal = principal
        self.action = asked_for.action
        self.changes = asked_for.changes
        self.parameters = asked_for.parameters
        self.needs = asked_for.needs
        # The code of the error; None when it succeeded.
        self.refused = None
        self.at = time.monotonic()

    def __repr__(self):
        return f"{self.principal.rsplit('/', 1)[-1]} {self.action} {[need.resource for need in self.needs]} {self.refused or ''}"


class Trouble:
    """Calls whose action fits are answered with an error, so often, or until it is taken away."""

    def __init__(self, action, code, message, status, times, principal):
        self.action, self.code, self.message, self.status, self.left, self.principal = action, code, message, status, times, principal

    def strikes(self, call):
        if self.left == 0 or not policies.matches(self.action, call.action) or not policies.matches(self.principal, call.principal):
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Cloud:
    """Use it in a `with`, one at a time: the end of it ends all processes."""

    def __init__(self, temporal=None, programs=PROGRAMS, delay=0.05):
        self.environment = ENVIRONMENT
        self.programs = pathlib.Path(programs)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cluster-test-"))
        self.calls = []
        self.troubles = []
        self.lost_answers = []
        # By family, what the tasks of programs that are not here do: a function of the task that gives lines and an exit code.
        self.scripts = {}
        # Access keys, and what they belong to.
        self.keys = {OPERATOR: "operator"}
        # Address of a Prometheus that answers as the managed workspace; without one there is no such workspace.
        self.prometheus = None
        self.secrets = {}
        self.leader = f"127.0.0.1:{free_port()}"
        facts = self.environment.facts
        self.hosts = {facts["leader"]["name"]: self.leader, "0.0.0.0:7400": self.leader}
        if temporal:
            self.hosts |= {facts["temporal"]["address"]: temporal, "temporal-frontend:7233": temporal}
        self.lock = threading.Lock()
        self.ecs = Ecs(self, self.environment, delay)
        self.scaling = AutoScaling(self.ecs)
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.server = make_server("127.0.0.1", 0, self.answer, threaded=True, request_handler=Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self.facts_file = self.folder / "facts.json"

    def __enter__(self):
        # moto keeps what it has for the whole process.
        BackendDict.reset()
        reset_model_data()
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.furnish()
        facts = json.dumps(self.environment.facts)
        self.facts_file.write_text(re.sub(r"https://aps-workspaces\.[^/]+", self.endpoint, facts))
        self.ecs.thread.start()
        atexit.register(self.ecs.close)
        return self

    def __exit__(self, *_):
        atexit.unregister(self.ecs.close)
        self.ecs.close()
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.folder)

    def furnish(self):
        """What Terraform makes in the services that are moto's."""
        facts, client = self.environment.facts, self.client
        client("s3").create_bucket(Bucket=facts["bucket"], CreateBucketConfiguration={"LocationConstraint": facts["region"]})
        client("s3").put_bucket_versioning(Bucket=facts["bucket"], VersioningConfiguration={"Status": "Enabled"})
        for group in facts["log_groups"].values():
            client("logs").create_log_group(logGroupName=group)
        client("scheduler").create_schedule_group(Name=facts["scheduler"]["group"])
        name = facts["leader"]["name"].split(".", 1)[1].split(":")[0]
        discovery = servicediscovery_backends[self.environment.account][self.environment.region]
        client("servicediscovery").create_private_dns_namespace(Name=name, Vpc="vpc-1")
        (namespace,) = discovery.namespaces
        made = client("servicediscovery").create_service(Name="leader", NamespaceId=namespace, DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 5}]})["Service"]["Id"]
        # The id that the facts and the task definition have.
        service = discovery.services.pop(made)
        service.id = facts["leader"]["service"]
        service.arn = self.environment.arn("servicediscovery", f"service/{service.id}")
        discovery.services[service.id] = service
        client("servicediscovery").register_instance(ServiceId=service.id, InstanceId="leader", Attributes={"AWS_INSTANCE_IPV4": "127.0.0.1"})

    def client(self, service):
        """For the tests' own calls."""
        patient = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return boto3.client(service, region_name=self.environment.region, endpoint_url=self.endpoint, aws_access_key_id=TESTS, aws_secret_access_key=TESTS, config=patient)

    # What scripts ask for.

    def trouble(self, action, code, message="scripted", status=400, times=None, principal="*"):
        """Answers calls with an error; `action` and `principal` (an ARN, or operator) may have `*` in them."""
        trouble = Trouble(action, code, message, status, times, principal)
        self.troubles.append(trouble)
        return trouble

    def end(self, trouble):
        self.troubles.remove(trouble)

    def lose_answer(self, action):
        """The next such call of ECS is done, and its answer is an error of the server's."""
        self.lost_answers.append(action)

    # What runs in tasks.

    def runner(self, task):
        ours = [container for container in task.definition["containers"] if (self.programs / pathlib.PurePath((container.get("entryPoint") or ["none"])[0]).name).exists()]
        return Containers(self, task) if ours and task.definition["family"] not in self.scripts else Nothing(self, task)

    def variables(self, task, container):
        """What ECS sets in a container."""
        role = task.definition["task_role_arn"]
        with self.lock:
            key = next((key for key, (owner, of, name) in self.owners().items() if (of, name) == (task.id, container.name)), None)
            if key is None:
                key = f"ASIA{secrets.token_hex(8).upper()}"
                self.keys[key] = (role, task.id, container.name)
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            # There it is a path of an address that containers reach; the program asks in the same way.
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.endpoint}/credentials/{key}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EXECUTION_ENV": "AWS_ECS_EC2",
            "ECS_CONTAINER_METADATA_URI_V4": f"{self.endpoint}/metadata/{task.id}/{container.name}",
        }

    def owners(self):
        return {key: owner for key, owner in self.keys.items() if isinstance(owner, tuple)}

    def secret(self, arn):
        return self.secrets.setdefault(arn, secrets.token_hex(24))

    def log(self, task, container, line):
        """A line of a container, where the task definition says; what goes to Loki there stays in the container's own list."""
        driver = container.definition.get("logConfiguration") or {}
        if driver.get("logDriver") != "awslogs":
            return
        options = driver["options"]
        group, stream = options["awslogs-group"], f"{options['awslogs-stream-prefix']}/{container.name}/{task.id}"
        backend = logs_backends[self.environment.account][self.environment.region]
        with self.lock:
            if stream not in backend.groups[group].streams:
                backend.create_log_stream(group, stream)
            backend.put_log_events(group, stream, [{"timestamp": int(time.time() * 1000), "message": line}])

    # Requests.

    def answer(self, environ, start):
        request = Request(environ)
        path = request.path.lstrip("/").split("/")
        if path[0] == "credentials":
            return self.credentials(path[1])(environ, start)
        if path[0] == "metadata":
            return self.metadata(*path[1:])(environ, start)
        signed = re.search(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request", request.headers.get("Authorization", ""))
        if not signed:
            return Response("not signed", 403)(environ, start)
        key, service = signed.groups()
        body = request.get_data(cache=True) if service != "s3" else b""
        read = asked.read(self.ecs, service, request, body)
        owner = self.keys.get(key)
        principal = owner[0] if isinstance(owner, tuple) else owner
        call = Call(principal or key, read)
        if key != TESTS:
            with self.lock:
                self.calls.append(call)
        try:
            if key != TESTS:
                self.check(call)
            if service in OWN:
                return self.own(service, read, request)(environ, start)
        except Refused as refused:
            call.refused = refused.code
            # What was sent is read, so that the connection can be used again.
            request.get_data()
            return error(service, refused)(environ, start)
        if service == "servicediscovery" and read.operation == "RegisterInstance":
            self.overwrite(read.parameters)
        if service != "s3":
            environ["wsgi.input"] = Input(body)
        return self.moto(environ, start)

    def check(self, call):
        with self.lock:
            trouble = next((one for one in self.troubles if one.strikes(call)), None)
        if trouble:
            raise Refused(trouble.code, trouble.message, trouble.status)
        policy = self.environment.operator_policy if call.principal == "operator" else self.environment.role_policies.get(call.principal)
        if policy is None:
            raise Refused("UnrecognizedClientException", "The security token included in the request is invalid.")
        for need in call.needs:
            if not policies.is_allowed(policy, need.action, need.resource, dict(need.context)):
                raise Refused("AccessDeniedException", f"{call.principal} is not authorized to perform: {need.action} on resource: {need.resource}", 403)

    def own(self, service, read, request):
        if service == "aps":
            return self.workspace(request)
        if service == "ecs":
            told = json.dumps(self.ecs(read.operation, read.parameters))
            if read.action in self.lost_answers:
                self.lost_answers.remove(read.action)
                raise Refused("ServerException", "scripted: it was done", 500)
            return Response(told, content_type="application/x-amz-json-1.1")
        return Response(self.scaling(read.operation, read.parameters), content_type="text/xml")

    def workspace(self, request):
        if self.prometheus is None:
            raise Refused("ResourceNotFoundException", "Workspace not found", 404)
        # Of a person: their secret is their key.
        if not signature.is_signed(request, request.get_data(), OPERATOR, OPERATOR, "aps", self.environment.region):
            raise Refused("InvalidSignatureException", "The request signature we calculated does not match.", 403)
        query = urllib.request.Request(f"http://{self.prometheus}/{request.path.split('/', 3)[3]}", request.get_data(), {"Content-Type": request.content_type})
        try:
            with urllib.request.urlopen(query, timeout=60) as answer:
                return Response(answer.read(), answer.status, content_type="application/json")
        except urllib.error.HTTPError as problem:
            return Response(problem.read(), problem.code, content_type="application/json")

    def overwrite(self, parameters):
        """AWS overwrites an instance of the same id; moto would have it twice."""
        backend = servicediscovery_backends[self.environment.account][self.environment.region]
        service = backend.services.get(parameters.get("ServiceId"))
        if service:
            service.instances = [one for one in service.instances if one.instance_id != parameters.get("InstanceId")]

    def credentials(self, key):
        owner = self.keys.get(key)
        if not isinstance(owner, tuple):
            return Response("no such task", 404)
        told = {"RoleArn": owner[0], "AccessKeyId": key, "SecretAccessKey": key, "Token": key, "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 21600))}
        return Response(json.dumps(told), content_type="application/json")

    def metadata(self, id_, container, *rest):
        task = self.ecs.tasks.get(self.environment.ecs("task", id_))
        if task is None:
            return Response("no such task", 404)

        def one(container):
            networks = [{"NetworkMode": "awsvpc", "IPv4Addresses": [task.address], "AttachmentIndex": 0}]
            return {"DockerId": f"{id_}-{container.name}", "Name": container.name, "Image": container.definition["image"], "KnownStatus": container.status, "DesiredStatus": task.desired, "Type": "NORMAL", "Networks": networks, "ContainerARN": f"{task.arn}/{container.name}"}

        if rest == ("task",):
            told = {
                "Cluster": self.environment.facts["cluster"]["arn"], "TaskARN": task.arn, "Family": task.definition["family"], "Revision": "1", "DesiredStatus": task.desired,
                "KnownStatus": task.status, "LaunchType": "EC2", "AvailabilityZone": f"{self.environment.region}{task.instance.zone if task.instance else 'a'}", "Containers": [one(each) for each in task.containers],
            }
        else:
            told = one(task.container(container))
        return Response(json.dumps(told), content_type="application/json")

    def operator(self):
        """Variables of a person's shell."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": OPERATOR,
            "AWS_SECRET_ACCESS_KEY": OPERATOR,
            "AWS_EC2_METADATA_DISABLED": "true",
            "BENCHMARK_FACTS": str(self.facts_file),
        }


class Input:
    """A body that was read, to be read again."""

    def __init__(self, body):
        self.body = body

    def read(self, size=-1):
        size = len(self.body) if size is None or size < 0 else size
        given, self.body = self.body[:size], self.body[size:]
        return given


def error(service, refused):
    """An error in the form of the service's protocol."""
    if service == "s3":
        body = f"<Error><Code>{refused.code.removesuffix('Exception')}</Code><Message>{refused.message}</Message></Error>"
        return Response(body, refused.status, content_type="application/xml")
    if service in {"autoscaling", "sts"}:
        body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{refused.code.removesuffix('Exception')}</Code><Message>{refused.message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
        return Response(body, refused.status, content_type="text/xml")
    body = json.dumps({"__type": refused.code, "message": refused.message, "Message": refused.message})
    return Response(body, refused.status, content_type="application/x-amz-json-1.1", headers={"x-amzn-ErrorType": refused.code})


def main():
    parser = argparse.ArgumentParser(description="The tests' AWS, by hand.")
    parser.add_argument("--temporal", metavar="HOST:PORT", help="the frontend that tasks are given")
    parser.add_argument("--programs", default=PROGRAMS, metavar="DIR")
    parser.add_argument("--delay", type=float, default=1.0, metavar="SECONDS", help="until an instance is there, and until a task begins")
    given = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Cloud(given.temporal, given.programs, given.delay) as cloud:
        for name, value in cloud.operator().items():
            print(f"export {name}={shlex.quote(value)}")
        print(f"# tasks: {cloud.folder}/tasks", flush=True)
        seen = 0
        while not ended.wait(0.5):
            calls, seen = cloud.calls[seen:], len(cloud.calls)
            for call in calls:
                print(f"# {call}", flush=True)


if __name__ == "__main__":
    main()

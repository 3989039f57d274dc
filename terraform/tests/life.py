"""The life of an environment on moto: account, then bench; apply, work, apply again, destroy.

moto is a server on this machine that answers as AWS would. What it cannot do is overridden below, each with its reason. It is
us-east-1, since moto's DSQL knows no European region and answers there with errors that the provider repeats for minutes.
"""

import json
import logging
import os
import pathlib
import re
import subprocess
import sys
import time

# The policies that AWS manages, which instances get.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

import boto3
from botocore.config import Config
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.s3.models import FakeDeleteMarker
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
# How long one command may take, seconds: far above what it takes on a loaded machine, so that one that hangs ends.
LIMIT = 1200
TREE = pathlib.Path(sys.argv[1]).resolve()
ROOT = TREE / "terraform"

# OpenSearch: the provider waits for a domain until it is ready, which in moto it never is; it would sleep for ten minutes.
OPENSEARCH = """
resource "aws_opensearch_domain" "this" {
  count = 0
}

output "endpoint" {
  value = "search.example.com"
}

output "arn" {
  value = local.arn
}

output "domain_name" {
  value = local.name
}
"""

# The managed Prometheus' alert manager: moto has none of its calls.
ALERT_MANAGER = """
resource "aws_prometheus_alert_manager_definition" "this" {
  count = 0
}
"""

# What moto refuses once it refuses again: the provider's 25 attempts would take minutes.
PROVIDER = """
provider "aws" {
  max_retries                 = 3
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"""


MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

def with_strategy(create):
    """moto forgets a service's capacity providers, so that each plan would replace the service."""

    def create_service(self):
        answer = create(self)
        answer.result["service"].capacity_provider_strategy = self._get_param("capacityProviderStrategy")
        return answer

    return create_service


# moto stumbles over the marks of deleted objects when a bucket with versions is emptied.
FakeDeleteMarker.dispose = lambda self, garbage=False: None
EC2ContainerServiceResponse.create_service = with_strategy(EC2ContainerServiceResponse.create_service)


def step(text):
    print(f"   {time.monotonic() - begun:4.0f} s  {text}", flush=True)


def check(right, text):
    if not right:
        raise SystemExit(f"terraform/test: life: {text}")


def run(*command, folder=None):
    """moto's server lives in this process: it ends with it, and what is run here with its process group, by terraform/test."""
    try:
        done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired as late:
        sys.stderr.write((late.stdout or b"")[-6000:].decode(errors="replace"))
        raise SystemExit(f"terraform/test: life: {' '.join(command)[:200]} did not end in {LIMIT} s")
    if done.returncode != 0:
        sys.stderr.write(done.stdout[-6000:] + done.stderr[-6000:])
        raise SystemExit(f"terraform/test: life: {' '.join(command)[:200]} ended with {done.returncode}")
    return done.stdout


def terraform(folder, command, *arguments):
    # The provider waits more than it works: for states that it asks for every few seconds.
    if command in ["apply", "destroy"]:
        arguments = ["-auto-approve", "-no-color", "-parallelism=40", *arguments]
    return run("terraform", f"-chdir={folder}", command, *arguments)


def client(service):
    patient = Config(retries={"total_max_attempts": 2}, read_timeout=300)
    return boto3.client(service, region_name=REGION, endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test", config=patient)


def without_policy(bucket):
    """Buckets refuse what comes without TLS, and moto speaks plain HTTP."""
    client("s3").delete_bucket_policy(Bucket=bucket)


def account():
    folder = ROOT / "account"
    (folder / "life_override.tf").write_text(PROVIDER)
    terraform(folder, "init", "-no-color")
    arguments = ["-var", f"region={REGION}", "-var", "force_delete=true", "-var", "recovery_window_days=0"]
    terraform(folder, "apply", *arguments)
    secrets = client("secretsmanager")
    token = secrets.get_secret_value(SecretId="benchmark/fleet-token")["SecretString"]
    grafana = json.loads(secrets.get_secret_value(SecretId="grafana/admin")["SecretString"])
    check(len(token) == 48, "the token has not 48 characters")
    check(grafana["username"] == "admin" and len(grafana["password"]) == 32, "Grafana's secret is not as it should be")
    state = json.loads(terraform(folder, "output", "-json"))["state_bucket"]["value"]
    check(client("s3").get_bucket_versioning(Bucket=state)["Status"] == "Enabled", "the bucket of states has no versions")
    check("SecureTransport" in client("s3").get_bucket_policy(Bucket=state)["Policy"], "the bucket of states is reached without TLS")
    without_policy(state)
    return folder, arguments, [token, grafana["password"]], state


def images(values):
    """Pushes something by each tag that the environment names."""
    for repository, tag in re.findall(r'^\w+_image\s*=\s*"([^":]+):([^"]+)"', values, re.M):
        client("ecr").put_image(repositoryName=repository, imageTag=tag, imageManifest=json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": f"sha256:{'0' * 64}", "size": 1, "mediaType": "application/json"}, "layers": [], "name": f"{repository}:{tag}"}))


def environment_of(values, state_bucket):
    for folder, text in {"": PROVIDER, "modules/opensearch": OPENSEARCH, "modules/observability": ALERT_MANAGER}.items():
        (ROOT / folder / "life_override.tf").write_text(text)
    terraform(
        ROOT, "init", "-no-color", "-reconfigure", "-backend-config=envs/bench.s3.tfbackend", f"-backend-config=bucket={state_bucket}", f"-backend-config=region={REGION}",
        *(f"-backend-config={key}=true" for key in ["use_path_style", "skip_credentials_validation", "skip_metadata_api_check", "skip_requesting_account_id", "skip_region_validation"]),
    )
    return ["-var-file=envs/bench.tfvars", "-var", f"region={REGION}", "-var", f'availability_zones=["{REGION}a","{REGION}b","{REGION}c"]']


def work(facts):
    """What an operator does through the API."""
    ecs = client("ecs")
    cluster = facts["cluster"]["name"]
    for service in facts["services"]:
        ecs.update_service(cluster=cluster, service=service["name"], desiredCount=service["count"])
    ecs.update_service(cluster=cluster, service=facts["workers"]["name"], desiredCount=51)
    for pool in ["benchmark", "generator"]:
        client("autoscaling").set_desired_capacity(AutoScalingGroupName=facts["pools"][pool]["group"], DesiredCapacity=1)


def counts(facts):
    ecs, cluster = client("ecs"), facts["cluster"]["name"]
    names = [service["name"] for service in facts["services"]] + [facts["workers"]["name"]]
    # Ten at a time are told.
    found = {service["serviceName"]: service["desiredCount"] for service in ecs.describe_services(cluster=cluster, services=names)["services"]}
    groups = client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return found | {group["AutoScalingGroupName"]: group["DesiredCapacity"] for group in groups}


def what_is_there(facts):
    check(client("scheduler").get_schedule_group(Name=facts["scheduler"]["group"])["State"] == "ACTIVE", "no schedule group")
    check(client("s3").get_bucket_versioning(Bucket=facts["bucket"])["Status"] == "Enabled", "the bucket of results has no versions")
    (leader,) = client("servicediscovery").list_instances(ServiceId=facts["leader"]["service"])["Instances"]
    check((leader["Id"], leader["Attributes"]) == ("leader", {"AWS_INSTANCE_IPV4": "127.0.0.1"}), f"the leader's name is {leader}")
    # Each task has the role of its kind.
    kinds = {"temporal-ui": "temporal-ui", "generator-join": "benchmark-worker", "setup-schema": "setup", "setup-database": "setup"}
    kinds |= {f"temporal-{server}": "temporal" for server in ["history", "matching", "frontend", "worker"]}
    project, ecs = facts["project"], client("ecs")
    families = [family for family in ecs.list_task_definition_families()["families"] if family.startswith(f"{project}-")]
    check(len(families) == 12, f"families: {families}")
    for family in families:
        kind = family.removeprefix(f"{project}-")
        role = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]["taskRoleArn"]
        check(role.endswith(f":role/{project}-{kinds.get(kind, kind)}-task"), f"{family} has the role {role}")


def shapes():
    """moto has what EC2 tells of each type: instances.json says the same."""
    table = json.loads((ROOT / "instances.json").read_text())
    names = {f"{family}.{size}": (kind, shape) for family, kind in table["families"].items() for size, shape in table["sizes"].items()}
    pages = client("ec2").get_paginator("describe_instance_types").paginate(InstanceTypes=list(names))
    types = {found["InstanceType"]: found for page in pages for found in page["InstanceTypes"]}
    check(set(types) == set(names), f"types that EC2 does not have: {set(names) - set(types)}")
    for name, (kind, shape) in names.items():
        found = types[name]
        told = (found["VCpuInfo"]["DefaultVCpus"], found["MemoryInfo"]["SizeInMiB"], found["NetworkInfo"]["MaximumNetworkInterfaces"], found["ProcessorInfo"]["SupportedArchitectures"])
        written = (shape["vcpu"], shape["vcpu"] * kind["mib_per_vcpu"], shape["interfaces"], [kind["architecture"].lower()])
        check(told == written, f"instances.json has {written} for {name}, and EC2 {told}")


def documented(facts):
    """The lines of docs/aws.md that say so are run as they stand, and so is the query that is an output."""
    text = (TREE / "docs" / "aws.md").read_text()
    blocks = re.findall(r"<!-- runs on moto -->\n```sh\n(.*?)```", text, re.S)
    check(blocks, "docs/aws.md has no lines that are marked")
    blocks.append(terraform(ROOT, "output", "-raw", "dsql_metrics_command"))
    folder = TREE / "documented"
    folder.mkdir()
    (folder / "facts.json").write_text(json.dumps(facts))
    without_policy(facts["bucket"])
    client("s3").put_object(Bucket=facts["bucket"], Key="runs/some-run/results.json", Body=b"{}")
    client("ecs").update_service(cluster=facts["cluster"]["name"], service=facts["workers"]["name"], desiredCount=4)
    for block in blocks:
        run("bash", "-euo", "pipefail", "-c", 'cluster=$(jq -r .cluster.name facts.json)\n' + block, folder=folder)
    check(counts(facts)[facts["workers"]["name"]] == 0, "the documented lines did not end the workers")


def what_is_left():
    """By kind, what an account without anything would not have."""
    # moto tells of clusters and endpoints that are gone, and says so.
    clusters = client("ecs").describe_clusters(clusters=client("ecs").list_clusters()["clusterArns"])["clusters"]
    endpoints = client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    vpcs = client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]
    return {
        "clusters": [cluster["clusterArn"] for cluster in clusters if cluster["status"] != "INACTIVE"],
        "networks": [vpc["VpcId"] for vpc in vpcs],
        "endpoints": [endpoint["VpcEndpointId"] for endpoint in endpoints if endpoint["State"] != "deleted"],
        "groups": client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"],
        "buckets": [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]],
        "databases": client("dsql").list_clusters()["clusters"],
        "tables": client("dynamodb").list_tables()["TableNames"],
        "roles": [role["RoleName"] for role in client("iam").list_roles()["Roles"] if not role["Path"].startswith("/aws-service-role/")],
        "log groups": [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]],
        "namespaces": client("servicediscovery").list_namespaces()["Namespaces"],
        "topics": client("sns").list_topics()["Topics"],
        "alarms": client("cloudwatch").describe_alarms()["MetricAlarms"],
        "schedule groups": [group["Name"] for group in client("scheduler").list_schedule_groups()["ScheduleGroups"] if group["Name"] != "default"],
        "workspaces": client("amp").list_workspaces()["workspaces"],
        "repositories": client("ecr").describe_repositories()["repositories"],
        "secrets": client("secretsmanager").list_secrets()["SecretList"],
    }


begun = time.monotonic()
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"
environment = {name: value for name, value in os.environ.items() if name != "TF_DATA_DIR"} | {
    "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_MAX_ATTEMPTS": "3",
    "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
}

shapes()
step("shapes of instances are EC2's")
account_folder, account_arguments, secret_values, state_bucket = account()
step("account applied; its secrets are there")
values = (ROOT / "envs" / "bench.tfvars").read_text()
images(values)
arguments = environment_of(values, state_bucket)
terraform(ROOT, "apply", *arguments)
step("bench applied")
facts = json.loads(terraform(ROOT, "output", "-json", "facts"))
what_is_there(facts)

stored = [text.read_text() for text in account_folder.glob("terraform.tfstate*")]
stored.append(client("s3").get_object(Bucket=state_bucket, Key="temporal/bench.tfstate")["Body"].read().decode())
check(len(stored) >= 2 and all('"resources"' in text for text in stored), "not both states were read")
check(not any(secret in text for text in stored for secret in secret_values), "a secret stands in a state")
step("no secret stands in a state")

work(facts)
before = counts(facts)
check(sum(before.values()) == 47 + 51 + 2, f"counts were not set: {before}")
# Something else changes, so that this apply has something to do.
terraform(ROOT, "apply", *arguments, "-var", "loki_retention_days=15", "-var", "dsql_max_connections=60")
check(counts(facts) == before, f"an apply changed counts: {before} became {counts(facts)}")
step("a second apply left counts alone")

documented(facts)
step("documented lines ran")

terraform(ROOT, "destroy", *arguments)
check(json.loads(client("s3").get_object(Bucket=state_bucket, Key="temporal/bench.tfstate")["Body"].read())["resources"] == [], "destroy left resources in the state")
terraform(account_folder, "destroy", *account_arguments)
left = {kind: found for kind, found in what_is_left().items() if found}
check(not left, f"destroy left {left}")
step("destroyed; nothing is left")
server.stop()

"""What a request asks for, in the words of policies: actions, resources, and the conditions' keys.

One request may need more than its own action: to hand on a role, to tag what it makes.
"""

import dataclasses
import json
import re
import urllib.parse

JSON = {
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "Logs_20140328": "logs",
    "Route53AutoNaming_v20170314": "servicediscovery",
}
# By method and query, what S3 calls it; without a key it is the bucket that is asked.
OBJECT = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "POST": "s3:PutObject", "DELETE": "s3:DeleteObject"}
BUCKET = {"GET": "s3:ListBucket", "HEAD": "s3:ListBucket"}
SCHEDULE = {"POST": "CreateSchedule", "PUT": "UpdateSchedule", "GET": "GetSchedule", "DELETE": "DeleteSchedule"}
CHANGES = re.compile(r"\w+:(Create|Update|Delete|Put|Run|Stop|Register|Deregister|Terminate|Tag|Execute|Set)")


@dataclasses.dataclass(frozen=True)
class Need:
    action: str
    resource: str
    context: tuple = ()


@dataclasses.dataclass
class Asked:
    """A request that was read: service and operation, its parameters, and what it needs."""

    service: str
    operation: str
    parameters: dict
    needs: list

    @property
    def action(self):
        return f"{self.service}:{self.operation}"

    @property
    def changes(self):
        return CHANGES.match(self.action) is not None


def read(ecs, service, request, body):
    """Reads a request; `service` is the one that it was signed for."""
    environment = ecs.environment
    target = request.headers.get("X-Amz-Target", "")
    if target:
        prefix, operation = target.split(".", 1)
        parameters = json.loads(body or b"{}")
        service = JSON.get(prefix, service)
        return Asked(service, operation, parameters, list(of_json(ecs, service, operation, parameters)))
    if service == "s3":
        bucket, _, key = urllib.parse.unquote(request.path).lstrip("/").partition("/")
        action = (OBJECT if key else BUCKET).get(request.method, f"s3:{request.method}")
        if request.method == "DELETE" and "uploadId" in request.args:
            action = "s3:AbortMultipartUpload"
        resource = f"arn:{environment.facts['partition']}:s3:::{bucket}" + (f"/{key}" if key else "")
        return Asked("s3", action.removeprefix("s3:"), {"bucket": bucket, "key": key} | dict(request.args), [Need(action, resource)])
    if service == "scheduler":
        return of_scheduler(environment, request, json.loads(body or b"{}"))
    if service == "aps":
        workspace = request.path.lstrip("/").split("/")[1]
        return Asked("aps", "QueryMetrics", {}, [Need("aps:QueryMetrics", environment.arn("aps", f"workspace/{workspace}"))])
    form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)) if body else dict(request.args)
    operation = form.get("Action", f"{request.method} {request.path}")
    return Asked(service, operation, form, list(of_form(ecs, service, operation, form)))


def of_scheduler(environment, request, parameters):
    kind, _, name = urllib.parse.unquote(request.path).lstrip("/").partition("/")
    if kind == "schedule-groups":
        needs = [Need("scheduler:GetScheduleGroup", environment.arn("scheduler", f"schedule-group/{name}"))]
        return Asked("scheduler", "GetScheduleGroup", {"Name": name}, needs)
    parameters = parameters | dict(request.args) | {"Name": name}
    group = parameters.get("GroupName") or parameters.get("groupName") or "default"
    operation = SCHEDULE.get(request.method, request.method)
    needs = [Need(f"scheduler:{operation}", environment.arn("scheduler", f"schedule/{group}/{name}"))]
    role = parameters.get("Target", {}).get("RoleArn")
    if role:
        needs.append(Need("iam:PassRole", role, (("iam:PassedToService", "scheduler.amazonaws.com"),)))
    return Asked("scheduler", operation, parameters, needs)


def of_form(ecs, service, operation, form):
    environment = ecs.environment
    if service == "sts":
        # Whoever has credentials may ask whose they are.
        return
    if service == "autoscaling" and operation == "TerminateInstanceInAutoScalingGroup":
        pool, _ = ecs.instance(form["InstanceId"])
        yield Need(f"autoscaling:{operation}", environment.arn("autoscaling", f"autoScalingGroup:0:autoScalingGroupName/{pool.fact['group']}"))
    else:
        yield Need(f"{service}:{operation}", "*")


def of_json(ecs, service, operation, parameters):
    environment = ecs.environment
    action = f"{service}:{operation}"
    if service == "logs":
        group = parameters.get("logGroupName", "")
        stream = parameters.get("logStreamName")
        yield Need(action, environment.arn("logs", f"log-group:{group}:" + (f"log-stream:{stream}" if stream else "*")))
    elif service == "servicediscovery":
        id_ = parameters.get("ServiceId")
        yield Need(action, environment.arn("servicediscovery", f"service/{id_}") if id_ else "*")
        if operation in {"RegisterInstance", "DeregisterInstance"}:
            # It writes the record with the caller's rights.
            for one in ["ChangeResourceRecordSets", "GetHostedZone"]:
                yield Need(f"route53:{one}", f"arn:{environment.facts['partition']}:route53:::hostedzone/{environment.zone}")
    elif service == "ecs":
        yield from of_ecs(ecs, operation, parameters)
    else:
        yield Need(action, "*")


def of_ecs(ecs, operation, parameters):
    environment = ecs.environment
    action = f"ecs:{operation}"
    cluster = (("ecs:cluster", environment.facts["cluster"]["arn"]),)

    def arn(kind, name):
        return name if name.startswith("arn:") else environment.ecs(kind, name)

    if operation == "DescribeClusters":
        for name in parameters.get("clusters", ["default"]):
            yield Need(action, name if name.startswith("arn:") else environment.arn("ecs", f"cluster/{name}"))
    elif operation == "DescribeServices":
        for name in parameters["services"]:
            yield Need(action, arn("service", name), cluster)
    elif operation == "UpdateService":
        yield Need(action, arn("service", parameters["service"]), cluster)
    elif operation in {"DescribeTasks", "DescribeContainerInstances"}:
        kind = "task" if operation == "DescribeTasks" else "container-instance"
        for name in parameters["tasks" if kind == "task" else "containerInstances"]:
            yield Need(action, arn(kind, name), cluster)
    elif operation == "StopTask":
        task = arn("task", parameters["task"])
        tags = tuple((f"ecs:ResourceTag/{key}", value) for key, value in ecs.tags_of(task).items())
        yield Need(action, task, cluster + tags)
    elif operation == "ExecuteCommand":
        yield Need(action, environment.facts["cluster"]["arn"])
        yield Need(action, arn("task", parameters["task"]), cluster)
    elif operation == "RunTask":
        definition = environment.definition(parameters["taskDefinition"])
        yield Need(action, definition["arn"], cluster)
        for role in ["task_role_arn", "execution_role_arn"]:
            if definition[role]:
                yield Need("iam:PassRole", definition[role], (("iam:PassedToService", "ecs-tasks.amazonaws.com"),))
        if parameters.get("tags") or parameters.get("propagateTags", "NONE") != "NONE":
            yield Need("ecs:TagResource", environment.ecs("task", "new"), (("ecs:CreateAction", "RunTask"),))
    elif operation == "TagResource":
        yield Need(action, parameters["resourceArn"])
    else:
        yield Need(action, "*", cluster)

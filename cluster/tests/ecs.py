"""A small ECS of the tests' own: services, tasks, container instances.

It knows the calls that benchmark-cluster makes, with the checks of their parameters that are easily got wrong, and one cluster:
that of the environment. A task waits for room on an instance (PROVISIONING), begins (PENDING), runs and ends as its containers
do. It is no model of ECS' scheduler: tasks are placed one after the other where there is room, deployments are steady as soon
as the counts are, and there is no rate of starts.
"""

import re
import secrets
import threading
import time

from containers import Container
from scaling import Pool


class Refused(Exception):
    """What a call is answered with in the place of a result."""

    def __init__(self, code, message, status=400):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


def bad(message):
    return Refused("InvalidParameterException", message)


class Task:
    def __init__(self, ecs, definition, **given):
        self.ecs = ecs
        self.definition = definition
        self.id = secrets.token_hex(16)
        self.arn = ecs.environment.ecs("task", self.id)
        self.status, self.desired = "PROVISIONING", "RUNNING"
        self.pool = given.get("pool")
        self.instance = None
        self.group = given["group"]
        self.service = given.get("service")
        self.started_by = given.get("started_by")
        self.overrides = given.get("overrides") or {}
        self.tags = given.get("tags") or {}
        self.address = f"10.0.{secrets.randbelow(200) + 1}.{secrets.randbelow(250) + 2}"
        self.created = time.time()
        self.started_at = self.stopped_at = self.reason = self.code = None
        overrides = {one["name"]: one for one in self.overrides.get("containerOverrides", [])}
        self.containers = [Container(one, overrides.get(one["name"], {})) for one in definition["containers"]]
        self.runner = None

    def begin(self, instance):
        """There is room: its containers begin."""
        self.instance = instance
        self.status = "PENDING"
        self.runner = self.ecs.cloud.runner(self)
        self.runner.thread.start()

    def started(self):
        with self.ecs.lock:
            if self.status == "PENDING":
                self.status, self.started_at = "RUNNING", time.time()

    def stop(self, reason, code):
        with self.ecs.lock:
            if self.desired == "STOPPED":
                return
            self.desired, self.reason, self.code = "STOPPED", reason, code
            if self.service and code in {"EssentialContainerExited", "TaskFailedToStart"}:
                self.service.failed()
            if self.runner is None:
                self.stopped()
            else:
                self.status = "DEACTIVATING"
                self.runner.stopping.set()

    def stopped(self):
        with self.ecs.lock:
            self.status, self.stopped_at = "STOPPED", time.time()

    def container(self, name):
        return next(one for one in self.containers if one.name == name)

    def describe(self, include=()):
        def container(one):
            told = {"containerArn": f"{self.arn.replace(':task/', ':container/')}/{one.name}", "taskArn": self.arn, "name": one.name, "lastStatus": one.status, "healthStatus": one.health or "UNKNOWN", "image": one.definition.get("image")}
            told |= {"networkInterfaces": [{"attachmentId": self.id[:8], "privateIpv4Address": self.address}]} if self.runner else {}
            told |= {"runtimeId": f"{self.id}-{one.name}"} if one.status == "RUNNING" else {}
            return told | {key: value for key, value in {"exitCode": one.exit_code, "reason": one.reason}.items() if value is not None}

        told = {
            "taskArn": self.arn, "clusterArn": self.ecs.environment.facts["cluster"]["arn"], "taskDefinitionArn": self.definition["arn"],
            "lastStatus": self.status, "desiredStatus": self.desired, "group": self.group, "startedBy": self.started_by, "createdAt": self.created,
            "startedAt": self.started_at, "stoppedAt": self.stopped_at, "stoppedReason": self.reason, "stopCode": self.code, "cpu": self.definition["cpu"],
            "memory": self.definition["memory"], "overrides": self.overrides, "version": 1, "containers": [container(one) for one in self.containers],
            "containerInstanceArn": self.instance and self.ecs.environment.ecs("container-instance", self.instance.container_instance),
            "capacityProviderName": self.pool and self.pool.fact["capacity_provider"], "launchType": "EC2" if self.pool else "FARGATE",
            "enableExecuteCommand": self.service is not None and self.service.takes_commands,
            "attachments": [{"id": self.id[:8], "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": [{"name": "privateIPv4Address", "value": self.address}]}],
        }
        if "TAGS" in include:
            told["tags"] = [{"key": key, "value": value} for key, value in self.tags.items()]
        return {key: value for key, value in told.items() if value is not None}


class Service:
    def __init__(self, ecs, name, given, pool):
        self.ecs = ecs
        self.name = name
        self.arn = ecs.environment.ecs("service", name)
        self.definition = ecs.environment.definition(given["task_definition"])
        self.takes_commands = given["enable_execute_command"]
        self.pool = pool
        self.desired = 0
        self.deployment = f"ecs-svc/{secrets.randbelow(10**19):019d}"
        self.events = []
        self.steady = True
        # After tasks that ended by themselves it rests before it starts others, ever longer.
        self.rest = 0.0
        self.rests_until = 0.0
        # Scripted: a service whose tasks end with this reason as soon as they begin.
        self.broken = None

    def event(self, message):
        self.events.insert(0, {"id": secrets.token_hex(16), "createdAt": time.time(), "message": f"(service {self.name}) {message}"})

    def failed(self):
        self.rest = min(2 * self.rest or 0.5, 30)
        self.rests_until = time.monotonic() + self.rest

    @property
    def tasks(self):
        return [one for one in self.ecs.tasks.values() if one.service is self and one.status != "STOPPED"]

    def counts(self):
        tasks = [one for one in self.tasks if one.desired == "RUNNING"]
        running = sum(one.status == "RUNNING" for one in self.tasks)
        return running, sum(one.status in {"PROVISIONING", "PENDING"} for one in tasks)

    def reconcile(self):
        tasks = [one for one in self.tasks if one.desired == "RUNNING"]
        for task in tasks[self.desired:]:
            task.stop(f"Scaling activity initiated by (deployment {self.deployment})", "ServiceSchedulerInitiated")
        for _ in range(self.desired - len(tasks) if time.monotonic() >= self.rests_until else 0):
            self.ecs.add(Task(self.ecs, self.definition, pool=self.pool, group=f"service:{self.name}", service=self, started_by=self.deployment))
        steady = self.counts() == (self.desired, 0)
        if steady and not self.steady:
            self.event("has reached a steady state.")
        if steady != self.steady and not steady:
            self.event(f"has started or stopped tasks: {self.desired} are wanted.")
        self.steady = steady

    def describe(self):
        running, pending = self.counts()
        told = {"taskDefinition": self.definition["arn"], "desiredCount": self.desired, "runningCount": running, "pendingCount": pending}
        state = {"rolloutState": "COMPLETED" if self.steady else "IN_PROGRESS", "failedTasks": 0, "createdAt": self.ecs.begun, "updatedAt": self.ecs.begun}
        strategy = [{"capacityProvider": self.pool.fact["capacity_provider"], "weight": 100, "base": 0}]
        return told | {
            "serviceName": self.name, "serviceArn": self.arn, "clusterArn": self.ecs.environment.facts["cluster"]["arn"], "status": "ACTIVE", "events": self.events[:100],
            "capacityProviderStrategy": strategy, "createdAt": self.ecs.begun, "propagateTags": "SERVICE", "enableExecuteCommand": self.takes_commands,
            "deployments": [told | state | {"id": self.deployment, "status": "PRIMARY", "capacityProviderStrategy": strategy}],
        }


class Ecs:
    def __init__(self, cloud, environment, delay):
        self.cloud = cloud
        self.environment = environment
        self.lock = threading.RLock()
        self.begun = time.time()
        # Seconds until a task that has room begins, and until an instance is there.
        self.delay = self.boot = delay
        self.pools = {key: Pool(key, fact) for key, fact in environment.facts["pools"].items()}
        self.tasks = {}
        pools = {one["name"]: one["pool"] for one in [*environment.facts["services"], environment.facts["workers"]]}
        self.services = {name: Service(self, name, given, self.pools[pools[name]]) for name, given in environment.services.items()}
        self.tokens = {}
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    # What happens by itself.

    def run(self):
        while not self.ending.wait(0.02):
            with self.lock:
                self.tick()

    def tick(self):
        for service in self.services.values():
            service.reconcile()
        for pool in self.pools.values():
            pool.arrive()
        waiting = [one for one in self.tasks.values() if one.status == "PROVISIONING" and one.desired == "RUNNING"]
        for task in waiting:
            if time.time() - task.created < self.delay:
                continue
            instance = task.pool and next((one for one in task.pool.instances if self.fits(task.definition, one)), None)
            if task.pool and not instance:
                self.short(task)
            elif task.service and task.service.broken:
                task.stop(task.service.broken, "TaskFailedToStart")
                task.service.event(f"was unable to start a task: {task.service.broken}")
            else:
                task.begin(instance)

    def short(self, task):
        """No room: more instances are ordered, as many as the tasks that wait need."""
        pool = task.pool
        waiting = [one for one in self.tasks.values() if one.pool is pool and one.status == "PROVISIONING"]
        each = self.each(task.definition, pool)
        pool.grow(len(pool.instances) + -(-len(waiting) // max(each, 1)), self.boot)
        said = "was unable to place a task because no container instance met all of its requirements."
        if task.service and not any(said in event["message"] for event in task.service.events[:1]):
            task.service.event(said)

    @staticmethod
    def room(pool):
        return {"cpu": pool.fact["vcpu"] * 1024, "memory": pool.fact["mib"], "interfaces": pool.fact["task_interfaces"]}

    @staticmethod
    def size(definition):
        return {"cpu": int(definition["cpu"]), "memory": int(definition["memory"]), "interfaces": 1}

    def each(self, definition, pool):
        """How many such tasks an empty instance holds."""
        room, size = self.room(pool), self.size(definition)
        return min(room[key] // size[key] for key in size)

    def on(self, instance):
        return [one for one in self.tasks.values() if one.instance is instance and one.status != "STOPPED"]

    def left(self, instance):
        room = self.room(instance.pool)
        for task in self.on(instance):
            for key, value in self.size(task.definition).items():
                room[key] -= value
        return room

    def fits(self, definition, instance):
        left = self.left(instance)
        return all(left[key] >= value for key, value in self.size(definition).items())

    def add(self, task):
        self.tasks[task.arn] = task
        return task

    def instance(self, id_):
        for pool in self.pools.values():
            for instance in pool.instances:
                if id_ in (instance.id, instance.container_instance):
                    return pool, instance
        raise Refused("ValidationError", f"Instance Id not found - No managed instance found for instance ID: {id_}")

    def lose(self, instance, reason=None):
        """An instance is gone, and what ran on it."""
        with self.lock:
            instance.pool.instances.remove(instance)
            for task in self.on(instance):
                task.stop(reason or f"Host EC2 (instance {instance.id}) terminated.", "TerminationNotice")
                task.runner.lost.set()

    def tags_of(self, arn):
        return self.tasks[arn].tags if arn in self.tasks else {}

    def close(self):
        """Ends all tasks, without mercy."""
        self.ending.set()
        self.thread.join()
        with self.lock:
            running = [one.runner for one in self.tasks.values() if one.runner]
            for task in self.tasks.values():
                task.stop("The test is over", "UserInitiated")
        for runner in running:
            runner.lost.set()
        for runner in running:
            runner.thread.join(60)

    # Calls.

    def __call__(self, operation, given):
        call = {
            "DescribeClusters": self.describe_clusters,
            "DescribeServices": self.describe_services,
            "ListServices": self.list_services,
            "UpdateService": self.update_service,
            "ListTasks": self.list_tasks,
            "DescribeTasks": self.describe_tasks,
            "RunTask": self.run_task,
            "StopTask": self.stop_task,
            "DescribeTaskDefinition": self.describe_task_definition,
            "ListContainerInstances": self.list_container_instances,
            "DescribeContainerInstances": self.describe_container_instances,
            "ExecuteCommand": self.execute_command,
            "TagResource": self.tag_resource,
        }.get(operation)
        if call is None:
            raise Refused("UnsupportedFeatureException", f"the tests' ECS has no {operation}")
        if operation not in {"DescribeClusters", "DescribeTaskDefinition", "TagResource"}:
            self.check_cluster(given)
        with self.lock:
            return call(given)

    def check_cluster(self, given):
        cluster = self.environment.facts["cluster"]
        if given.get("cluster", "default") not in cluster.values():
            raise Refused("ClusterNotFoundException", "Cluster not found.")

    def describe_clusters(self, given):
        cluster = self.environment.facts["cluster"]
        known = [one for one in given.get("clusters", ["default"]) if one in cluster.values()]
        live = [one for one in self.tasks.values() if one.desired == "RUNNING"]
        told = {
            "clusterArn": cluster["arn"], "clusterName": cluster["name"], "status": "ACTIVE", "activeServicesCount": len(self.services),
            "registeredContainerInstancesCount": sum(len(pool.instances) for pool in self.pools.values()),
            "runningTasksCount": sum(one.status == "RUNNING" for one in live), "pendingTasksCount": sum(one.status != "RUNNING" for one in live),
            "capacityProviders": [pool.fact["capacity_provider"] for pool in self.pools.values()],
        }
        failures = [{"arn": one, "reason": "MISSING"} for one in given.get("clusters", []) if one not in known]
        return {"clusters": [told] * bool(known), "failures": failures}

    def service(self, name):
        return self.services.get(name.rsplit("/", 1)[-1])

    def describe_services(self, given):
        if len(given["services"]) > 10 or not given["services"]:
            raise bad("Services cannot be empty, and there may be 10 of them.")
        found = [self.service(name) for name in given["services"]]
        failures = [{"arn": name, "reason": "MISSING"} for name, one in zip(given["services"], found, strict=True) if one is None]
        return {"services": [one.describe() for one in found if one], "failures": failures}

    def list_services(self, given):
        return self.page("serviceArns", [one.arn for one in self.services.values()], given, 10)

    def page(self, key, found, given, size):
        """A page of what was found. A token is the place where the next begins."""
        size = given.get("maxResults", size)
        begin = int(given.get("nextToken") or 0)
        rest = {"nextToken": str(begin + size)} if begin + size < len(found) else {}
        return {key: found[begin:begin + size]} | rest

    def update_service(self, given):
        service = self.service(given["service"])
        if service is None:
            raise Refused("ServiceNotFoundException", "Service not found.")
        unknown = set(given) - {"cluster", "service", "desiredCount"}
        if unknown:
            raise bad(f"the tests' ECS changes nothing but counts, not {unknown}")
        if given["desiredCount"] < 0:
            raise bad("desiredCount cannot be negative")
        service.desired = given["desiredCount"]
        service.rest = service.rests_until = 0.0
        service.reconcile()
        return {"service": service.describe()}

    def list_tasks(self, given):
        filters = {key: given[key] for key in ["family", "serviceName", "startedBy", "containerInstance"] if given.get(key)}
        if "startedBy" in filters and len(filters) > 1:
            raise bad("startedBy cannot be specified with another filter.")
        wanted = given.get("desiredStatus", "RUNNING")

        def fits(task):
            own = {
                "family": task.definition["family"], "serviceName": task.service and task.service.name, "startedBy": task.started_by,
                "containerInstance": task.instance and task.instance.container_instance,
            }
            return task.desired == wanted and all(own[key] == value.rsplit("/", 1)[-1] for key, value in filters.items())

        return self.page("taskArns", [one.arn for one in self.tasks.values() if fits(one)], given, 100)

    def task(self, name):
        return self.tasks.get(name if name.startswith("arn:") else self.environment.ecs("task", name))

    def describe_tasks(self, given):
        if not given["tasks"] or len(given["tasks"]) > 100:
            raise bad("Tasks cannot be empty, and there may be 100 of them.")
        found = [self.task(name) for name in given["tasks"]]
        failures = [{"arn": name, "reason": "MISSING"} for name, one in zip(given["tasks"], found, strict=True) if one is None]
        return {"tasks": [one.describe(given.get("include", [])) for one in found if one], "failures": failures}

    def run_task(self, given):
        token = given.get("clientToken")
        same = {key: value for key, value in given.items() if key != "clientToken"}
        if token in self.tokens:
            before, tasks = self.tokens[token]
            if before != same:
                raise Refused("ConflictException", "The clientToken was used with other parameters.")
            return {"tasks": [one.describe() for one in tasks], "failures": []}
        tasks = [self.add(one) for one in self.new_tasks(given)]
        if token:
            self.tokens[token] = same, tasks
        return {"tasks": [one.describe() for one in tasks], "failures": []}

    def new_tasks(self, given):
        definition = self.environment.definition(given["taskDefinition"])
        if definition is None:
            raise Refused("ClientException", "TaskDefinition not found.")
        overrides = given.get("overrides") or {}
        names = {one["name"] for one in definition["containers"]}
        for one in overrides.get("containerOverrides", []):
            if one.get("name") not in names:
                raise bad(f"Override for container named {one.get('name')} is not a container in the TaskDefinition.")
            if any("name" not in variable or "value" not in variable for variable in one.get("environment", [])):
                raise bad("environment needs name and value")
        texts = [word for one in overrides.get("containerOverrides", []) for word in one.get("command", [])]
        texts += [text for one in overrides.get("containerOverrides", []) for variable in one.get("environment", []) for text in variable.values()]
        if sum(map(len, texts)) > 8192:
            raise bad("Container Overrides length must be at most 8192")
        count = given.get("count", 1)
        if not 1 <= count <= 10 or len(given.get("clientToken", "")) > 64 or len(given.get("startedBy", "")) > 128:
            raise bad("count is at most 10, clientToken at most 64 characters, startedBy at most 128")
        if not re.fullmatch(r"[\w/.-]*", given.get("startedBy", ""), re.ASCII):
            raise bad("startedBy has letters, digits, and - _ / .")
        if not given.get("networkConfiguration", {}).get("awsvpcConfiguration", {}).get("subnets"):
            raise bad("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
        pool = None
        strategy = given.get("capacityProviderStrategy")
        if strategy:
            if given.get("launchType"):
                raise bad("Specifying both a launch type and capacity provider strategy is not supported.")
            providers = {one.fact["capacity_provider"]: one for one in self.pools.values()}
            pool = providers.get(strategy[0]["capacityProvider"])
            if pool is None:
                raise bad("The specified capacity provider was not found.")
        elif given.get("launchType") != "FARGATE":
            raise bad("No Container Instances were found in your cluster." if not given.get("launchType") else "EC2 without a pool")
        tags = dict(definition["tags"] or {}) if given.get("propagateTags") == "TASK_DEFINITION" else {}
        tags |= {one["key"]: one["value"] for one in given.get("tags", [])}
        group = given.get("group") or f"family:{definition['family']}"
        return [Task(self, definition, pool=pool, group=group, started_by=given.get("startedBy"), overrides=overrides, tags=tags) for _ in range(count)]

    def stop_task(self, given):
        task = self.task(given["task"])
        if task is None:
            raise bad("The referenced task was not found.")
        if len(given.get("reason", "")) > 1024:
            raise bad("reason has at most 1024 characters")
        task.stop(given.get("reason") or "Task stopped by user", "UserInitiated")
        return {"task": task.describe()}

    def describe_task_definition(self, given):
        definition = self.environment.definition(given["taskDefinition"])
        if definition is None:
            raise Refused("ClientException", "Unable to describe task definition.")
        told = {
            "taskDefinitionArn": definition["arn"], "family": definition["family"], "revision": 1, "status": "ACTIVE", "networkMode": "awsvpc",
            "cpu": definition["cpu"], "memory": definition["memory"], "taskRoleArn": definition["task_role_arn"],
            "executionRoleArn": definition["execution_role_arn"], "containerDefinitions": definition["containers"],
        }
        return {"taskDefinition": {key: value for key, value in told.items() if value is not None}}

    def list_container_instances(self, given):
        if given.get("filter"):
            raise bad("the tests' ECS has no filter of container instances")
        found = [self.environment.ecs("container-instance", one.container_instance) for pool in self.pools.values() for one in pool.instances]
        return self.page("containerInstanceArns", found, given, 100)

    def describe_container_instances(self, given):
        if not given["containerInstances"] or len(given["containerInstances"]) > 100:
            raise bad("Container instances cannot be empty, and there may be 100 of them.")
        found, failures = [], []
        for name in given["containerInstances"]:
            try:
                found.append(self.describe_container_instance(self.instance(name.rsplit("/", 1)[-1])[1]))
            except Refused:
                failures.append({"arn": name, "reason": "MISSING"})
        return {"containerInstances": found, "failures": failures}

    def describe_container_instance(self, instance):
        tasks, pool = self.on(instance), instance.pool

        def resources(room):
            return [{"name": name, "type": "INTEGER", "integerValue": room[key]} for name, key in [("CPU", "cpu"), ("MEMORY", "memory")]]

        attributes = {"ecs.availability-zone": f"{self.environment.region}{instance.zone}", "ecs.instance-type": pool.fact["instance_type"]}
        return {
            "containerInstanceArn": self.environment.ecs("container-instance", instance.container_instance), "ec2InstanceId": instance.id,
            "capacityProviderName": pool.fact["capacity_provider"], "status": "ACTIVE", "agentConnected": True,
            "runningTasksCount": sum(one.status == "RUNNING" for one in tasks), "pendingTasksCount": sum(one.status != "RUNNING" for one in tasks),
            "registeredResources": resources(self.room(pool)), "remainingResources": resources(self.left(instance)),
            "attributes": [{"name": name, "value": value} for name, value in attributes.items()], "registeredAt": self.begun,
        }

    def execute_command(self, given):
        task = self.task(given["task"])
        if task is None or task.status != "RUNNING" or not (task.service and task.service.takes_commands):
            raise Refused("TargetNotConnectedException", "The execute command failed because the task is not running.")
        session = f"ecs-execute-command-{secrets.token_hex(8)}"
        return {"clusterArn": self.environment.facts["cluster"]["arn"], "taskArn": task.arn, "interactive": True, "session": {"sessionId": session, "streamUrl": "wss://example.com", "tokenValue": "token"}}

    def tag_resource(self, given):
        task = self.task(given["resourceArn"])
        if task is None:
            raise bad("The specified resource was not found.")
        task.tags |= {one["key"]: one["value"] for one in given["tags"]}
        return {}

"""Instances of the pools, and the Auto Scaling calls about them: moto has no activities, and knows nothing of ECS' part in it.

ECS adds instances while tasks wait for room, up to the pool's maximum; after `boot` seconds they are there. Empty ones are
not taken away by themselves, which AWS does after 15 minutes.
"""

import secrets
import time
import xml.etree.ElementTree as xml
from datetime import datetime, timezone

NAMESPACE = "http://autoscaling.amazonaws.com/doc/2011-01-01/"


class Instance:
    def __init__(self, pool, zone):
        self.id = f"i-{secrets.token_hex(8)}"
        self.container_instance = secrets.token_hex(16)
        self.pool = pool
        self.zone = zone


class Pool:
    """A group of instances; `limit` is how many can be had, None for the maximum."""

    def __init__(self, key, fact):
        self.key = key
        self.fact = fact
        self.limit = None
        self.instances = []
        # When the next ones will be there.
        self.coming = []
        self.activities = []

    @property
    def desired(self):
        return len(self.instances) + len(self.coming)

    def grow(self, count, boot):
        """Orders instances until there are `count`, or as many as may be."""
        for _ in range(min(count, self.fact["max"]) - self.desired):
            self.coming.append(time.monotonic() + boot)

    def arrive(self):
        now = time.monotonic()
        room = len(self.coming) if self.limit is None else self.limit - len(self.instances)
        for due in [due for due in self.coming if due <= now][: max(room, 0)]:
            self.coming.remove(due)
            self.instances.append(Instance(self, "abc"[len(self.instances) % 3]))


def element(parent, name, value):
    if isinstance(value, dict):
        child = xml.SubElement(parent, name)
        for key, inner in value.items():
            element(child, key, inner)
    elif isinstance(value, list):
        child = xml.SubElement(parent, name)
        for inner in value:
            element(child, "member", inner)
    elif value is not None:
        xml.SubElement(parent, name).text = str(value).lower() if isinstance(value, bool) else str(value)


def instant(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class AutoScaling:
    """DescribeAutoScalingGroups, DescribeScalingActivities and TerminateInstanceInAutoScalingGroup."""

    def __init__(self, ecs):
        self.ecs = ecs

    def __call__(self, action, form):
        answer = {
            "DescribeAutoScalingGroups": self.groups,
            "DescribeScalingActivities": self.activities,
            "TerminateInstanceInAutoScalingGroup": self.terminate,
        }[action](form)
        root = xml.Element(f"{action}Response", xmlns=NAMESPACE)
        element(root, f"{action}Result", answer)
        element(root, "ResponseMetadata", {"RequestId": secrets.token_hex(8)})
        return xml.tostring(root)

    def named(self, form):
        wanted = {value for key, value in form.items() if key.startswith("AutoScalingGroupName")}
        return [pool for pool in self.ecs.pools.values() if not wanted or pool.fact["group"] in wanted]

    def groups(self, form):
        def one(pool):
            return {
                "AutoScalingGroupName": pool.fact["group"],
                "AutoScalingGroupARN": self.ecs.environment.arn("autoscaling", f"autoScalingGroup:0:autoScalingGroupName/{pool.fact['group']}"),
                "MinSize": 0,
                "MaxSize": pool.fact["max"],
                "DesiredCapacity": pool.desired,
                "DefaultCooldown": 300,
                "AvailabilityZones": [f"{self.ecs.environment.region}{zone}" for zone in "abc"],
                "HealthCheckType": "EC2",
                "CreatedTime": instant(self.ecs.begun),
                "Instances": [
                    {
                        "InstanceId": instance.id,
                        "InstanceType": pool.fact["instance_type"],
                        "AvailabilityZone": f"{self.ecs.environment.region}{instance.zone}",
                        "LifecycleState": "InService",
                        "HealthStatus": "Healthy",
                        "ProtectedFromScaleIn": True,
                    }
                    for instance in pool.instances
                ],
            }

        return {"AutoScalingGroups": [one(pool) for pool in self.named(form)]}

    def activities(self, form):
        return {"Activities": [activity for pool in self.named(form) for activity in pool.activities]}

    def fail(self, pool, message, ago=60):
        """Scripts an activity that failed, such as for a quota."""
        at = time.time() - ago
        self.ecs.pools[pool].activities.insert(0, {
            "ActivityId": secrets.token_hex(16),
            "AutoScalingGroupName": self.ecs.pools[pool].fact["group"],
            "Description": "Launching a new EC2 instance.",
            "Cause": f"At {instant(at)} an instance was started in response to a difference between desired and actual capacity.",
            "StartTime": instant(at),
            "EndTime": instant(at + 1),
            "StatusCode": "Failed",
            "StatusMessage": message,
            "Progress": 100,
        })

    def terminate(self, form):
        (pool, instance) = self.ecs.instance(form["InstanceId"])
        self.ecs.lose(instance, f"Host EC2 (instance {instance.id}) terminated.")
        if form["ShouldDecrementDesiredCapacity"] != "true":
            pool.grow(pool.desired + 1, self.ecs.boot)
        return {
            "Activity": {
                "ActivityId": secrets.token_hex(16),
                "AutoScalingGroupName": pool.fact["group"],
                "Description": f"Terminating EC2 instance: {instance.id}",
                "Cause": "A user asked for it.",
                "StartTime": instant(time.time()),
                "StatusCode": "InProgress",
                "Progress": 0,
            }
        }

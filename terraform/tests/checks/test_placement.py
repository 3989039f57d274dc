"""Every environment's tasks have room on its instances: by CPU, memory and network interfaces."""

from states import Case


class NoRoom(Exception):
    pass


def place(tasks, pool):
    """First fit, the largest first. Returns how many tasks each instance has."""
    instances = []
    for cpu, memory in sorted(tasks, reverse=True):
        for instance in instances:
            if instance["cpu"] >= cpu and instance["memory"] >= memory and instance["interfaces"] >= 1:
                break
        else:
            if len(instances) == pool["max"]:
                raise NoRoom(f"{cpu}/{memory}: {pool['max']} × {pool['instance_type']} are full")
            instance = {"cpu": pool["vcpu"] * 1024, "memory": pool["mib"], "interfaces": pool["task_interfaces"], "tasks": 0}
            if cpu > instance["cpu"] or memory > instance["memory"]:
                raise NoRoom(f"{cpu}/{memory}: larger than {pool['instance_type']}")
            instances.append(instance)
        instance["cpu"] -= cpu
        instance["memory"] -= memory
        instance["interfaces"] -= 1
        instance["tasks"] += 1
    return [instance["tasks"] for instance in instances]


class Placement(Case):
    def test_main_holds_all_services_and_one_more_of_each_that_is_deployed(self):
        for state in self.each():
            facts = state.outputs["facts"]
            tasks = [(service["cpu"], service["memory"]) for service in facts["services"] for _ in range(service["count"])]
            self.assertEqual(len(tasks), {"dev": 12, "bench": 47, "prod": 18, "whole-stack": 12, "400-a-second": 47, "benchmark-only": 2}[state.name])
            place(tasks, facts["pools"]["main"])
            # Those that are replaced in place need no more.
            in_place = {service["values"]["name"] for service in state.services().values() if service["values"]["deployment_maximum_percent"] == 100}
            more = [(service["cpu"], service["memory"]) for service in facts["services"] if service["name"] not in in_place]
            self.assertEqual(len(more), 5 if state.own else 0)
            for one in more:
                place([*tasks, one], facts["pools"]["main"])
            # In dev services that are deployed together wait for one another; elsewhere all go at once.
            if state.name != "dev":
                place([*tasks, *more], facts["pools"]["main"])

    def test_workers(self):
        for state in self.each(lambda state: state.benchmark):
            facts = state.outputs["facts"]
            workers = facts["workers"]
            place([(workers["cpu"], workers["memory"])] * workers["max"], facts["pools"]["benchmark"])

    def test_generators_have_an_instance_each(self):
        for state in self.each(lambda state: state.benchmark):
            facts = state.outputs["facts"]
            task = state.tasks()["generator"]
            room = facts["pools"]["generator"]
            self.assertEqual(place([(int(task["cpu"]), int(task["memory"]))] * room["max"], room)[:1], [2 if state.name == "dev" else 1])

    def test_what_is_known(self):
        """Figures worked out by hand."""
        (bench,) = [state.outputs["facts"] for state in self.each(lambda state: state.name == "bench")]
        main = bench["pools"]["main"]
        tasks = [(service["cpu"], service["memory"]) for service in bench["services"] for _ in range(service["count"])]
        self.assertEqual(main["max"] * main["task_interfaces"] - len(tasks), 23)
        self.assertEqual(main["max"] * main["vcpu"] * 1024 - sum(cpu for cpu, _ in tasks), 58.5 * 1024)
        # 51 workers and a generator of four vCPUs fill 13 instances to the last unit: the generator has a pool of its own.
        pool = bench["pools"]["benchmark"]
        self.assertEqual(place([(4096, 4096)] * 52, pool), [4] * 13)
        with self.assertRaises(NoRoom):
            place([(4096, 4096)] * 53, pool)

    def test_that_the_original_dev_had_no_room_would_be_seen(self):
        (dev,) = [state.outputs["facts"] for state in self.each(lambda state: state.name == "dev")]
        tasks = [(service["cpu"], service["memory"]) for service in dev["services"] for _ in range(service["count"])]
        four = dev["pools"]["main"] | {"max": 4}
        self.assertEqual(four["max"] * four["task_interfaces"], len(tasks))
        with self.assertRaises(NoRoom):
            place([*tasks, (512, 1024)], four)

"""Bad input: one line with its remedy, exit code 2, nothing changed."""

import json
import secrets
import shutil

from case import Case, wait_for
from containers import free_port

# Each needs facts, and is refused before it does anything.
COMMANDS = [
    ["setup"], ["up"], ["down"], ["status"], ["workers", "3"], ["run", "--", "--rate", "5"], ["follow"], ["stop"], ["results", "list"],
    ["results", "get"], ["recover"], ["connect", "ui"], ["exec", "ui"],
]


class BadInput(Case):
    def facts_with(self, **more):
        file = self.folder / f"{secrets.token_hex(4)}.json"
        file.write_text(json.dumps(self.facts | more))
        return str(file)

    def each(self, *, says, **variables):
        for command in COMMANDS:
            with self.subTest(command):
                self.bad(*command, says=says, **variables)

    def test_no_state(self):
        folder = self.folder / "terraform"
        folder.mkdir()
        (folder / "main.tf").touch()
        self.bad("--terraform", str(folder), "up", says=["terraform", "--facts FILE", "terraform init"], BENCHMARK_FACTS=None)
        self.bad("--terraform", str(self.folder / "nowhere"), "up", says=["nowhere", "--terraform DIR"], BENCHMARK_FACTS=None)
        # And without terraform.
        self.bad("up", says=["terraform", "install terraform", "--facts FILE"], BENCHMARK_FACTS=None, PATH=str(self.stubs))

    def test_facts_that_are_none(self):
        empty = self.folder / "empty.json"
        empty.write_text("{}")
        self.bad("up", says=[str(empty), "terraform output -json facts > FILE"], BENCHMARK_FACTS=str(empty))
        self.bad("up", says=["nowhere.json"], BENCHMARK_FACTS=str(self.folder / "nowhere.json"))

    def test_facts_of_another_version(self):
        self.bad("up", says=["facts of version 2", "reads version 1"], BENCHMARK_FACTS=self.facts_with(version=2))

    def test_credentials_of_another_account(self):
        self.each(says=["account 111122223333", "the facts are of 999988887777", "AWS_PROFILE"], BENCHMARK_FACTS=self.facts_with(account_id="999988887777"))

    def test_credentials_that_expired(self):
        self.cloud.trouble("sts:*", "ExpiredToken", "The security token included in the request is expired", status=403)
        self.each(says=["expired", "aws sso login"])

    def test_no_credentials(self):
        self.bad("up", says=["aws sso login"], AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)

    def test_a_region_that_differs(self):
        self.each(says=["AWS_REGION: us-east-1", "eu-west-1"], AWS_REGION="us-east-1")

    def test_an_unknown_preset_or_service_or_one_that_does_not_fit(self):
        self.bad("up", "--preset", "300", says=["--preset 300", "50, 100, 200, 400"])
        self.bad("doctor", "--preset", "300", says=["--preset 300", "50, 100, 200, 400"])
        self.bad("up", "--preset", "-1", says=["--preset", "-1 is not in 0.."])
        self.bad("up", "--only", "historie", says=["historie", "history"])
        self.bad("up", "--preset", "50", says=["temporal_history_cpu = 1024", "terraform apply"])
        pools = {"main": self.facts["pools"]["main"] | {"max": 3}}
        self.bad("up", says=["main", "3", "ec2_instance_count = "], BENCHMARK_FACTS=self.facts_with(pools=self.facts["pools"] | pools))
        self.bad("exec", "historie", says=["historie", "history"])

    def test_more_workers_than_the_pool_holds(self):
        self.bad("workers", "52", says=["52", "51"])
        self.bad("run", "--workers", "52", "--", "--rate", "5", says=["52", "51"])

    def test_more_generators_than_the_pool_holds(self):
        self.bad("run", "--workers", "1", "--generators", "5", "--", "--rate", "5", says=["--generators 5", "4"])

    def test_arguments_that_plan_refuses(self):
        self.bad("run", "--workers", "1", "--", "--rate", "many", says=["--rate"])
        self.bad("run", "--workers", "1", "--", "--rate", "5", "--duration", "10y", says=["--duration"])

    def test_an_input_file_that_is_missing(self):
        self.bad("run", "--workers", "1", "--input", "nowhere.yaml", "--", "--rate", "5", says=["--input nowhere.yaml"])

    def test_two_input_files_of_one_name(self):
        for folder in ["a", "b"]:
            (self.folder / folder).mkdir()
            (self.folder / folder / "s.yaml").touch()
        self.bad("run", "--workers", "1", "--input", "a/s.yaml", "--input", "b/s.yaml", "--", "--rate", "5", says=["s.yaml"])

    def test_arguments_that_are_too_long(self):
        labels = [word for number in range(400) for word in ("--label", f"key-{number}=a-value-that-is-long")]
        self.bad("run", "--workers", "1", "--", "--rate", "5", *labels, says=["8"])

    def test_a_run_that_the_bucket_lacks_or_whose_name_is_none(self):
        self.bad("results", "get", "2026-01-01T00-00-00-abc", says=["2026-01-01T00-00-00-abc", "results list"])
        for name in ["../etc", "a/b", ".", "..", ".attendants", "a\nb"]:
            with self.subTest(name):
                self.bad("results", "get", name, says="results")
        self.bad("results", "get", says="results")

    def test_nobody_to_ask(self):
        self.bad("setup", "--overwrite", says="--yes")
        self.bad("recover", says="--yes")

    def test_nothing_to_follow_or_to_stop(self):
        self.bad("follow", says="no run")
        self.bad("stop", says="no run")

    def test_nothing_to_connect_to(self):
        for target in ["ui", "grafana", "loki", "frontend"]:
            self.bad("connect", target, "--port", str(free_port()), says=[target, "benchmark-cluster up"])
        self.bad("exec", "history", says=["history", "benchmark-cluster up"])

    def test_programs_that_are_not_there(self):
        self.service("ui").desired = 1
        wait_for(lambda: self.service("ui").counts() == (1, 0), "the UI runs")
        path = self.folder / "none"
        path.mkdir()
        self.bad("connect", "ui", "--port", str(free_port()), says=["aws", "install"], PATH=str(path))
        shutil.copy(self.stubs / "aws", path)
        self.bad("connect", "ui", "--port", str(free_port()), says=["session-manager-plugin", "install"], PATH=str(path))

"""Alloy's configuration of each task: it parses, each reference resolves, and what it takes from the environment is there.

Alloy itself is not needed: blocks, attributes and expressions are read by the small parser below.
"""

import re

from states import Case, environment

TOKEN = re.compile(r'''
    (?P<comment>//[^\n]*|/\*.*?\*/) | (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`) | (?P<number>[0-9]+(?:\.[0-9]+)?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*) | (?P<newline>\n) | (?P<space>[ \t\r]+) | (?P<mark>[{}\[\](),.=+\-*/%^!<>|&?:]+?)
''', re.X | re.S)


def tokens(text):
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise SyntaxError(f"line {text.count(chr(10), 0, position) + 1}: {text[position:position + 20]!r}")
        position = match.end()
        if match.lastgroup not in ["comment", "space"]:
            yield match.lastgroup, match[0]
    yield "end", ""


class Parser:
    """Blocks with labels, attributes, and the references and calls inside their values."""

    def __init__(self, text):
        self.tokens = list(tokens(text))
        self.at = 0
        self.components = {}
        self.references = []
        self.environment = set()
        self.body(None)
        if self.tokens[self.at][0] != "end":
            raise SyntaxError(f"unexpected {self.tokens[self.at]}")

    def peek(self):
        return self.tokens[self.at]

    def take(self, kind=None, text=None):
        token = self.tokens[self.at]
        if (kind and token[0] != kind) or (text and token[1] != text):
            raise SyntaxError(f"{token} where {kind or text} belongs")
        self.at += 1
        return token[1]

    def lines(self):
        while self.peek()[0] == "newline":
            self.at += 1

    def body(self, owner):
        self.lines()
        while self.peek()[0] == "name":
            names = [self.take("name")]
            while self.peek()[1] == ".":
                self.take()
                names.append(self.take("name"))
            if self.peek()[1] == "=":
                self.take()
                self.value()
            else:
                label = self.take("string")[1:-1] if self.peek()[0] == "string" else None
                self.take("mark", "{")
                if owner is None:
                    key = ".".join(names + ([label] if label else []))
                    if key in self.components:
                        raise SyntaxError(f"{key} is there twice")
                    self.components[key] = names
                self.body(owner or names)
                self.take("mark", "}")
            self.lines()

    def value(self):
        """Everything up to the end of the line or of the enclosing bracket."""
        depth = 0
        empty = True
        while True:
            kind, text = self.peek()
            if kind == "end" or (depth == 0 and (kind == "newline" or text in ["}"])):
                break
            if depth == 0 and text in [")", "]", ","]:
                break
            if text in ["(", "[", "{"]:
                depth += 1
            if text in [")", "]", "}"]:
                depth -= 1
            empty = False
            if kind == "name":
                self.reference()
            else:
                self.at += 1
        if empty or depth:
            raise SyntaxError("a value is missing or does not end")

    def reference(self):
        before = self.tokens[self.at - 1][1]
        names = [self.take("name")]
        while self.peek()[1] == ".":
            self.take()
            names.append(self.take("name"))
        called = self.peek()[1] == "("
        if names == ["sys", "env"]:
            self.environment.add(self.tokens[self.at + 1][1].strip('"'))
        elif not called and len(names) > 1 and before not in [".", "]"]:
            self.references.append(names)

    def unresolved(self):
        keys = [key.split(".") for key in self.components]
        return [".".join(names) for names in self.references if not any(names[:len(key)] == key for key in keys)]


class Alloy(Case):
    def test_each_configuration(self):
        for state in self.each():
            seen = 0
            for name, task in state.tasks().items():
                if "alloy" not in task["containers"]:
                    continue
                seen += 1
                variables = environment(task["containers"]["alloy"])
                parsed = Parser(variables["ALLOY_CONFIG"])
                self.assertEqual(parsed.unresolved(), [], name)
                self.assertGreater(len(parsed.components), 0)
                # ECS sets the first one itself.
                self.assertLessEqual(parsed.environment, set(variables) | {"ECS_CONTAINER_METADATA_URI_V4"}, name)
                # And nothing is set that nobody reads; the SDK reads the region.
                self.assertLessEqual(set(variables) - {"ALLOY_CONFIG", "AWS_REGION"}, parsed.environment, name)
                self.assertLess(len(task["container_definitions"]), 60000, "a task definition has 64 KiB at most")
            self.assertGreater(seen, 0)

    def test_that_a_mistake_is_seen(self):
        good = 'a.b "c" {\n  x = [d.e.f.receiver]\n  y { z = sys.env("V") + "/t" }\n}\n\nd.e "f" { }\n'
        self.assertEqual(Parser(good).unresolved(), [])
        self.assertEqual(Parser(good).environment, {"V"})
        self.assertEqual(Parser(good.replace('"f"', '"g"')).unresolved(), ["d.e.f.receiver"])
        for bad in [good.replace("]", ""), good.replace("}", "", 1), good + "}", good.replace('"c"', '"c'), good.replace('= sys.env("V") + "/t"', "=")]:
            with self.assertRaises(SyntaxError):
                Parser(bad)

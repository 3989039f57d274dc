"""Whether policies allow a call: Action, Resource and Condition as far as Terraform's own policies use them, all of them Allow."""

import re

OPERATORS = {
    "StringEquals": lambda value, wanted: value == wanted,
    "ArnEquals": lambda value, wanted: matches(wanted, value),
}


def matches(pattern, text, ignore_case=False):
    expression = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(expression, text, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def as_list(value):
    return value if isinstance(value, list) else [value]


def allows(statement, action, resource, context):
    unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}
    if unknown or statement["Effect"] != "Allow":
        raise ValueError(f"this evaluator does not know {unknown or statement['Effect']}: {statement}")
    return (
        any(matches(one, action, ignore_case=True) for one in as_list(statement["Action"]))
        and any(matches(one, resource) for one in as_list(statement["Resource"]))
        and all(
            key in context and any(OPERATORS[operator](context[key], one) for one in as_list(wanted))
            for operator, pairs in statement.get("Condition", {}).items()
            for key, wanted in pairs.items()
        )
    )


def is_allowed(policy, action, resource, context):
    return any(allows(statement, action, resource, context) for statement in policy["Statement"])

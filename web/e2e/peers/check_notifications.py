"""Notifications, one JSON object a line on standard input, against the callbacks of the documents that are named."""

import json
import sys
import urllib.request

import jsonschema_rs


def callbacks(document):
    for path in document["paths"].values():
        for operation in path.values():
            if not isinstance(operation, dict):
                continue  # parameters of all operations there
            for expressions in operation.get("callbacks", {}).values():
                for item in expressions.values():
                    yield item["post"]["requestBody"]["content"]["application/json"]["schema"]


validators = []
for url in sys.argv[1:]:
    with urllib.request.urlopen(url) as answer:
        document = json.load(answer)
    for schema in callbacks(document):
        whole = {**schema, "components": document["components"]}
        validators.append(jsonschema_rs.Draft4Validator(whole))
assert validators, "no document has a callback"
count = 0
for line in sys.stdin:
    notification = json.loads(line)
    if not any(validator.is_valid(notification) for validator in validators):
        sys.exit(f"it is no notification of any document: {line}")
    count += 1
print(count)

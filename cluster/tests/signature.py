"""Whether a request is signed as AWS wants it, by AWS' own library: what stands behind it here never looks."""

import re

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def is_signed(request, body, key, secret, service, region):
    """Signs it anew, with the headers that it says are signed, and compares."""
    given = re.search(r"SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})", request.headers.get("Authorization", ""))
    if not given:
        return False
    names, signature = given[1].split(";"), given[2]
    headers = {name: request.headers.get(name, "") for name in names}
    if not {"host", "x-amz-date"} <= set(headers):
        return False
    again = AWSRequest(request.method, f"{request.scheme}://{request.host}{request.path}", headers, body)
    again.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(key, secret), service, region)
    return auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again) == signature

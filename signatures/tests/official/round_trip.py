"""Holds Waybill's signatures against the official Python library, and gives back the library's own.

Reads one case as JSON per line, writes one answer per line. The first argument is the folder that the library is in.
"""

import json
import sys
from datetime import datetime, timezone

sys.path.insert(0, sys.argv[1])

from standardwebhooks.webhooks import Webhook, WebhookVerificationError  # noqa: E402

for line in sys.stdin:
    case = json.loads(line)
    webhook = Webhook(case["secret"])
    at = datetime.fromtimestamp(int(case["timestamp"]), tz=timezone.utc)
    answer = {"accepts": True, "signature": webhook.sign(case["id"], at, case["payload"])}
    headers = {
        "webhook-id": case["id"],
        "webhook-timestamp": case["timestamp"],
        "webhook-signature": case["signature"],
    }
    try:
        webhook.verify(case["payload"], headers)
    except WebhookVerificationError as error:
        answer["accepts"], answer["error"] = False, str(error)
    print(json.dumps(answer), flush=True)

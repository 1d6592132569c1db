"""What Schemathesis cannot know: who can be called, where notifications are taken, and which sessions there are.

It makes bodies by the document alone. Of those that have a place for it, two in three get a subscriber of the laboratory
and a target that listens; every other fault that was made stays in them. Sessions that were created are asked about
again, so that they are changed and deleted, too.
"""

import json
import os
import zlib

import schemathesis

PEOPLE = os.environ["PEOPLE"].split(",")
TARGET = os.environ["TARGET"]
sessions = [each for each in os.environ.get("SESSION", "").split(",") if each]


def number(value):
    """The same for the same value: what is asked must not differ from run to run."""
    return zlib.crc32(json.dumps(value, sort_keys=True, default=str).encode())


def place(value, seed):
    """Puts what is real in place of what was made up."""
    if isinstance(value, list):
        return [place(each, seed) for each in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for name, each in value.items():
        if isinstance(each, str) and name in ("terminatingId", "calledId"):
            each = PEOPLE[seed // 5 % len(PEOPLE)]
        elif isinstance(each, str) and name in ("originatingId", "callingId"):
            each = PEOPLE[(seed // 5 + 1) % len(PEOPLE)]
        elif isinstance(each, str) and name in ("notificationInfo", "notifUri"):
            each = TARGET
        elif isinstance(each, str) and name == "sessionId" and sessions:
            each = sessions[-1]
        elif name == "mediaType" and isinstance(each, str):
            each = ("AUDIO", "AUDIO", "VIDEO", "DC")[seed // 3 % 4]
        elif name == "mediaInfo" and isinstance(each, list):
            each = ["audio", "video"][: 1 + seed // 7 % 2]
        elif name == "callType" and isinstance(each, str):
            each = ("A2P", "P2P")[seed // 3 % 2]
        elif name != "appProfileRequested" or seed % 5 == 0:
            each = place(each, seed)
        else:
            continue
        out[name] = each
    return out


@schemathesis.hook
def before_call(context, case, kwargs):
    seed = number([case.body, case.path_parameters])
    if seed % 3 == 0:
        return
    if isinstance(case.body, (dict, list)):
        case.body = place(case.body, seed)
    if sessions and case.path_parameters and "sessionId" in case.path_parameters:
        case.path_parameters["sessionId"] = sessions[-1]


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code not in (200, 201):
        return
    try:
        answer = json.loads(response.content)
    except ValueError:
        return
    session = answer.get("sessionId") or answer.get("imsSessionInfo", {}).get("sessionId")
    if isinstance(session, str) and session not in sessions:
        sessions.append(session)

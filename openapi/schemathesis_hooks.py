"""What no schema can say of a request that is to be taken: names that the installation knows, and fields that
agree with each other. Requests that are to be refused are left as they are."""

import hashlib
import ipaddress
import json
import os
import unicodedata
import uuid

import schemathesis
from hypothesis import strategies as st

METERS = ["api_calls", "autopilot_runs", "guardian_tests", "insight_analyses"]
PRODUCTS = ["autopilot", "guardian", "insight"]
PLANS = ["ENTERPRISE", "PRO"]
SCOPES = ["insight:read", "keys:write", "org:read", "storage:admin", "uploads:write", "usage:read"]
HOOKS = ["https://example.com", "https://example.com:8443/hooks?to=us"]
PROJECT = "trial"
WHOLE_MOST = 64 * 1024 * 1024
# The key that all is asked with, which must not be ended on the way.
OWN_KEY = "key_" + os.environ["ODAVL_TEST_KEY"].split("_")[2]
ABSENT_KEY = "key_" + "0" * 26
ABSENT_UPLOAD = "upl_" + "0" * 26


def named(text):
    """Whether a thing may be called that: visible characters, composed."""
    visible = all(unicodedata.category(c) not in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp") for c in text)
    return visible and unicodedata.normalize("NFC", text) == text and text.strip() != ""


def composed(text):
    """Whether an object may be called that: the rules of `ObjectName`."""
    path = "\\" not in text and not {"", ".", ".."} & set(text.split("/"))
    return named(text) and path and len(text.encode()) <= 1024


# What is there to ask for again: ids and names that were answered, and of uploads in parts how many there are.
UPLOADS, OBJECTS, PEOPLE, PARTED = [], [], [], {}

known = schemathesis.openapi.format
known("meter", st.sampled_from(METERS))
known("organization", st.just("operator"))
known("plan", st.sampled_from(PLANS))
known("product", st.sampled_from(PRODUCTS))
known("scope", st.sampled_from(SCOPES))
known("scopes", st.lists(st.sampled_from(SCOPES), max_size=3).map(" ".join))
known("name", st.text(min_size=1, max_size=60).filter(named))
known("object-name", st.text(min_size=1, max_size=60).filter(composed))
known("hook-url", st.sampled_from(HOOKS))
known("ip", st.ip_addresses().map(str))
known("cidr", st.ip_addresses().map(lambda ip: f"{ip}/{ip.max_prefixlen}"))


def choose(values, value):
    """The value where it is one of those, else one of them."""
    return value if value in values else values[len(str(value)) % len(values)]


def replace(fields, name, change):
    """Changes a field where it is there."""
    if isinstance(fields, dict) and fields.get(name) is not None:
        fields[name] = change(fields[name])


def labelled(texts):
    """Names of labels and notes are short: OpenAPI 3.0 cannot say it."""
    return {name[:64]: text for name, text in texts.items()}


def charged(charges):
    """One charge a meter."""
    return [dict(charge, meter=meter) for charge, meter in zip(charges, METERS)]


def limited(limits):
    """One limit a meter; only what is stored is held."""
    whole = [dict(limit, meter=meter) for limit, meter in zip(limits, METERS)]
    return [dict(limit, per="month") if limit.get("per") == "held" else limit for limit in whole]


def networks(given):
    """Those that are networks."""
    return [network for network in given if is_network(network)]


def is_network(text):
    try:
        return bool(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return False


def addressed(text):
    """One that is an address."""
    return text if is_network(text) and "/" not in text else "203.0.113.7"


def announced(body):
    """An object that is sent whole is announced with its digest."""
    if body.get("size", 0) <= WHOLE_MOST and not body.get("sha256"):
        body["sha256"] = hashlib.sha256().hexdigest()


def granted(body):
    """Each grant has its own field."""
    field = "refresh_token" if body["grant_type"] == "refresh_token" else "device_code"
    body[field] = body.get(field) or "absent"


def results(case):
    """The results of a run, as they are announced."""
    run = case.query["run_id"]
    driver = {"driver": {"name": "openapi"}}
    run = {"tool": driver, "automationDetails": {"guid": run}, "results": []}
    case.body = json.dumps({"version": "2.1.0", "runs": [run]}).encode()
    case.headers["Odavl-Content-Sha256"] = hashlib.sha256(case.body).hexdigest()
    case.headers.pop("Content-Encoding", None)
    case.query["project"] = PROJECT


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code != 200:
        return
    if case.operation.label == "POST /api/v1/storage/upload-url":
        upload = response.json()["upload"]
        UPLOADS.append(upload["id"])
        OBJECTS.append(upload["name"])
        if upload["parts"]:
            PARTED[upload["id"]] = upload["parts"]
    if case.operation.label == "GET /api/v1/members":
        PEOPLE.extend(member["user_id"] for member in response.json()["items"])


def there(values, value):
    """Every other time something that is there."""
    return values[-1] if values and sum(value.encode()) % 2 else value


def numbered(case):
    """Parts of an upload that has so many, each once."""
    upload = there(list(PARTED), case.path_parameters["id"])
    if upload in UPLOADS and upload not in PARTED:
        upload = next(iter(PARTED), ABSENT_UPLOAD)
    case.path_parameters["id"] = upload
    if upload in PARTED and isinstance(case.body, dict):
        parts = case.body["parts"][: PARTED[upload]]
        case.body["parts"] = [dict(part, number=number) for number, part in enumerate(parts, 1)]


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.path_parameters and case.path_parameters.get("id") == OWN_KEY and case.method != "GET":
        case.path_parameters["id"] = ABSENT_KEY
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    query, body = case.query, case.body
    if case.operation.path.endswith("/parts"):
        numbered(case)
    elif "/storage/uploads/" in case.operation.path:
        replace(case.path_parameters, "id", lambda upload: there(UPLOADS, upload))
    replace(case.path_parameters, "user", lambda user: there(PEOPLE, user))
    # Only what a page said is a cursor.
    if query and "cursor" in query:
        del query["cursor"]
    replace(query, "meter", lambda meter: choose(METERS, meter))
    replace(query, "product", lambda product: choose(PRODUCTS, product))
    replace(query, "run_id", lambda run: run if run.strip("0-") else str(uuid.uuid4()))
    if query and "from" in query and "to" in query:
        query["from"], query["to"] = "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"
    if case.operation.label == "GET /api/v1/gateway/authorize":
        # Whose request the proxy asks about.
        case.headers["Authorization"] = "Bearer " + os.environ["ODAVL_TEST_KEY"]
        replace(query, "charge", lambda costs: [f"{meter}:0" for meter, _ in zip(METERS, costs)])
        # What the key may do, and is for.
        replace(query, "scope", lambda _: SCOPES[0])
        replace(query, "environment", lambda _: "live")
    replace(query, "name", lambda name: there(OBJECTS, name) if composed(name) else "a")
    if case.operation.label == "POST /api/v1/uploads":
        results(case)
        return
    if not isinstance(body, dict):
        return
    replace(body, "meter", lambda meter: choose(METERS, meter))
    replace(body, "plan", lambda plan: choose(PLANS, plan))
    # Whoever is sent to is out in the world.
    replace(body, "url", lambda url: choose(HOOKS, url))
    replace(body, "charges", charged)
    replace(body, "ip", addressed)
    replace(body, "tags", labelled)
    replace(body, "metadata", labelled)
    replace(body, "limits", limited)
    replace(body, "allowed_ips", networks)
    replace(body, "expires_at", lambda _: "2099-01-01T00:00:00Z")
    replace(body, "scopes", lambda scopes: [choose(SCOPES, scope) for scope in scopes])
    if case.operation.label == "POST /api/v1/storage/upload-url":
        announced(body)
    if case.operation.label == "POST /api/auth/token":
        granted(body)
    # The header says the same.
    body.pop("idempotency_key", None)

"""What no schema can say of a request that is to be taken: names that the installation knows, and fields that
agree with each other. Requests that are to be refused are left as they are."""

import hashlib
import json
import os
import unicodedata
import uuid

import schemathesis
from hypothesis import strategies as st

METERS = ["api_calls", "autopilot_runs", "guardian_tests", "insight_analyses"]
PRODUCTS = ["autopilot", "guardian", "insight"]
SCOPES = ["insight:read", "keys:write", "org:read", "storage:admin", "uploads:write", "usage:read"]
PROJECT = "trial"
WHOLE_MOST = 64 * 1024 * 1024


def named(text):
    """Whether a thing may be called that: visible characters, composed."""
    visible = all(unicodedata.category(c) not in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp") for c in text)
    return visible and unicodedata.normalize("NFC", text) == text and text.strip() != ""


def composed(text):
    """Whether an object may be called that: the rules of `ObjectName`."""
    path = "\\" not in text and not {"", ".", ".."} & set(text.split("/"))
    return named(text) and path and len(text.encode()) <= 1024


known = schemathesis.openapi.format
known("meter", st.sampled_from(METERS))
known("plan", st.sampled_from(["ENTERPRISE", "PRO"]))
known("product", st.sampled_from(PRODUCTS))
known("scope", st.sampled_from(SCOPES))
known("scopes", st.lists(st.sampled_from(SCOPES), max_size=3).map(" ".join))
known("name", st.text(min_size=1, max_size=60).filter(named))
known("object-name", st.text(min_size=1, max_size=60).filter(composed))
known("cidr", st.ip_addresses().map(lambda ip: f"{ip}/{ip.max_prefixlen}"))

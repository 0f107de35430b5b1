"""odavl inside a program: one folder, and no other service.

    python examples/python/quickstart.py ./quickstart-data
"""

from __future__ import annotations

import sys
from contextlib import suppress

import odavl

data = sys.argv[1] if len(sys.argv) > 1 else "quickstart-data"

with odavl.Odavl.open(data=data) as db:
    # The first person, the operator's organisation, and one to work in.
    with suppress(odavl.ConflictError):
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    print(f"{data} is set up")

    # A key for a customer. Its secret is shown this once.
    acme = db.system("acme")
    new = acme.keys.create("customer", ["storage:write", "insight:write", "usage:write"])
    assert new.secret is not None

    # Somebody else's request, decided by key, scope, rate and quota: durable when it is answered.
    verdict = db.system("operator").gateway.verify(
        new.secret, scope="insight:write", charges={"insight_analyses": 1}
    )
    print(f"{verdict.key_id} may pass" if verdict.valid else f"refused: {verdict.detail}")

    # The customer's own session has the rights of the key, and no others.
    me = db.authenticate(new.secret)

    @me.metered("guardian_tests", units=len)
    def guard(pages: list[str]) -> str:
        return f"{len(pages)} pages are well"

    try:
        print(guard(["/", "/about"]))
    except odavl.QuotaExceededError as refused:
        print(f"refused: {refused.used} of {refused.limit} are used until {refused.resets_at}")

    stored = me.storage.put("notes/hello.txt", b"hello")
    print(f"{stored.name}: {me.storage.get(stored.name).read().decode()}")

    # From here on nobody gets through with it, on any node.
    acme.keys.revoke(new.key.id)
    try:
        me.usage.consume("guardian_tests")
    except odavl.UnauthenticatedError as refused:
        print(f"refused: {refused.reason}")

"""An API of one's own in FastAPI, behind odavl's keys and quotas.

    pip install odavl fastapi uvicorn
    ODAVL_DATA=./quickstart-data uvicorn --app-dir examples/python fastapi_app:app

The folder is one that was set up, as by the quickstart; `odavl admin keys create` makes keys beside it. With ODAVL_SERVER
and ODAVL_API_KEY (a key with `gateway:write`) a service decides, and no database is needed here.
"""

from __future__ import annotations

import os
from typing import Annotated

import odavl
from fastapi import Depends, FastAPI, Request
from odavl import Identity
from odavl.asgi import Protect, identity


def gateway() -> odavl.Session:
    """What decides: a service, or the installation in this process."""
    if server := os.environ.get("ODAVL_SERVER"):
        return odavl.connect(server, key=os.environ["ODAVL_API_KEY"])
    return odavl.Odavl.open().system("operator")


def caller(request: Request) -> Identity:
    return identity(request)


app = FastAPI(title="reports")
app.add_middleware(Protect, gateway=gateway(), scope="insight:read", charges={"insight_analyses": 1})


@app.get("/report")
async def report(by: Annotated[Identity, Depends(caller)]) -> dict[str, str]:
    return {"report": f"all is well at {by.organization}", "plan": by.plan}

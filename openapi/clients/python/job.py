"""The main job through the client that openapi-python-client makes: signs a device in, makes a key, uploads results, uses
a quota up, reads the bytes back.

python job.py URL RESULTS RUN
"""

import hashlib
import io
import sys
import time
import uuid
from pathlib import Path
from typing import TypeVar

from odavl_client import AuthenticatedClient, Client
from odavl_client.api.api_keys import key_create
from odavl_client.api.projects import project_create
from odavl_client.api.sign_in import device_code, token
from odavl_client.api.uploads import upload_content, upload_create
from odavl_client.api.usage import usage, usage_consume
from odavl_client.models import (
    ApiKeyRequest,
    ConsumeRequest,
    DeviceCodeRequest,
    Environment,
    OAuthError,
    Problem,
    ProjectRequest,
    TokenRequest,
    TokenRequestGrantType,
)
from odavl_client.types import File

T = TypeVar("T")


def answered(answer: T | Problem | OAuthError | None) -> T:
    """What was answered; a refusal is raised."""
    if answer is None or isinstance(answer, Problem | OAuthError):
        raise RuntimeError(answer)
    return answer


def sign_in(url: str) -> str:
    """Shows the code, and waits until somebody has approved it."""
    visitor = Client(base_url=url)
    device = answered(device_code.sync(client=visitor, body=DeviceCodeRequest(client_id="odavl-cli")))
    form = TokenRequest(
        client_id="odavl-cli",
        grant_type=TokenRequestGrantType.URNIETFPARAMSOAUTHGRANT_TYPEDEVICE_CODE,
        device_code=device.device_code,
    )
    early = token.sync(client=visitor, body=form)
    assert isinstance(early, OAuthError) and early.error == "authorization_pending", early
    print(device.user_code, flush=True)
    sys.stdin.readline()
    time.sleep(device.interval)
    return answered(token.sync(client=visitor, body=form)).access_token


def make_key(url: str) -> str:
    person = AuthenticatedClient(base_url=url, token=sign_in(url))
    answered(project_create.sync(client=person, body=ProjectRequest(slug="website")))
    scopes = ["insight:write", "uploads:write", "usage:write"]
    wish = ApiKeyRequest(name="job", scopes=scopes, environment=Environment.LIVE)
    made = answered(key_create.sync(client=person, body=wish))
    assert made.key.environment == "live" and made.key.expires_at is None
    assert made.secret is not None
    return made.secret


def use_up(machine: AuthenticatedClient) -> tuple[int, Problem]:
    """How much was granted, and the refusal after that."""
    granted = 0
    while True:
        answer = usage_consume.sync(client=machine, body=ConsumeRequest(meter="guardian_tests", units=1))
        if isinstance(answer, Problem):
            return granted, answer
        granted += answered(answer).units


def main(url: str, file: str, run: str) -> None:
    results = Path(file).read_bytes()
    machine = AuthenticatedClient(base_url=url, token=make_key(url))
    uploaded = upload_create.sync(
        client=machine,
        body=File(payload=io.BytesIO(results)),
        product="insight",
        project="website",
        run_id=uuid.UUID(run),
        odavl_content_sha_256=hashlib.sha256(results).hexdigest(),
    )
    upload = answered(uploaded).upload
    assert upload.summary.levels.warning == 1

    limits = answered(usage.sync(client=machine)).limits
    standing = next(limit for limit in limits if limit.meter == "guardian_tests")
    assert (standing.used, standing.limit, standing.key_id) == (0, 20, None), standing

    granted, refused = use_up(machine)
    told = (refused.code, refused.meter, refused.limit, refused.used)
    assert told == ("quota_exceeded", "guardian_tests", 20, 20), refused
    assert granted == 20, granted

    back = answered(upload_content.sync(id=upload.id, client=machine)).payload.read()
    assert back == results
    print(f"{granted} granted, then {refused.code}; {len(back)} bytes read back")


if __name__ == "__main__":
    main(*sys.argv[1:])

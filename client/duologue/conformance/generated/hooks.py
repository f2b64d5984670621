"""How Schemathesis identifies itself: by the API key it is given, and by a token.

It deletes users, ends logins and changes roles as it goes, so its administrator may be gone at any moment; a new one is
created then.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

import requests
import schemathesis


@schemathesis.auth(retry_on=[401]).apply_to(schemathesis.openapi.require_security_scheme("bearer"))
class FreshAdministrator:
    """Creates an administrator and logs it in."""

    def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
        """Return a token."""
        base = case.operation.base_url
        email, password = f"admin-{uuid.uuid4().hex}@example.com", uuid.uuid4().hex
        admin = {"name": "Administrator", "email": email, "role": "admin", "password": password}
        requests.post(f"{base}/api/users", json=admin, timeout=10).raise_for_status()
        response = requests.post(f"{base}/api/auth/login", json={"email": email, "password": password}, timeout=10)
        token: str = response.json()["token"]
        return token

    def set(self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext) -> None:
        """Send the token with a request."""
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.auth().apply_to(schemathesis.openapi.require_security_scheme("apiKey"))
class APIKey:
    """Knows the API key."""

    def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
        """Return the key."""
        return os.environ["DUOLOGUE_API_KEY"]

    def set(self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext) -> None:
        """Send the key with a request."""
        case.headers["x-api-key"] = data

"""Keys for tests."""

import hashlib
from typing import Any

Json = dict[str, Any]


def an_entry(key_id: str, key: str, *scopes: str, **fields: Any) -> Json:
    """Return the entry of a key in API_KEYS."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return {"id": key_id, "sha256": digest, "scopes": list(scopes), **fields}

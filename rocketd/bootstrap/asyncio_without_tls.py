"""Imports asyncio and hashlib without OpenSSL: the daemon is 4 MB smaller, and libcrypto is not mapped at rest.

Both use OpenSSL only where it can be imported. rocketd has no use for TLS within asyncio: its control socket is local,
and requests and mail are sent by threads, which import `ssl` when they need it. hashlib's own hashes remain.
This must be the first import of the daemon, and is not for programs that use the library.
"""

import sys

_HIDDEN = ("ssl", "_hashlib")

if not any(name in sys.modules for name in (*_HIDDEN, "asyncio", "hashlib")):
    sys.modules.update(dict.fromkeys(_HIDDEN))  # type: ignore[arg-type]  # None: it cannot be imported
    import asyncio  # noqa: F401
    import hashlib  # noqa: F401

    for _name in _HIDDEN:
        del sys.modules[_name]

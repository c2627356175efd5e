"""A hash of text that is the same on every host, in every process and every version."""


def stable_hash(*words: object) -> int:
    """Return an integer from 0 to 2**64 - 1 for these words, evenly spread."""
    from hashlib import blake2b  # noqa: PLC0415 - OpenSSL comes with it, and few conditions need it

    key = "\0".join(map(str, words))
    return int.from_bytes(blake2b(key.encode(errors="replace"), digest_size=8).digest())

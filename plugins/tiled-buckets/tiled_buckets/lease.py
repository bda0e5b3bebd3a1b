"""One at a time, where there are no locks: an object that says who has the turn.

Its holder renews it while it works. Who waits takes it over when it has not changed for a while, as its holder must
have stopped; what that has left half-done is then to be looked after. Nobody's clock is compared with another's.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tiled_buckets.bucket import Bucket
from tiledkernel.errors import NotReady

LASTS = 15.0  # seconds without a sign of life, after which a holder has stopped
WAIT = 60.0  # seconds for which one waits for a turn
_PAUSE = 0.05  # seconds between two looks
_FREE = b"free"
_LEFT = b"left"  # by somebody who could not finish


class Lease:
    """A turn that one has; `inherited` tells whether somebody before has not finished.

    Who is about to do something that would have to be looked after sets `begun`.
    """

    def __init__(self, bucket: Bucket, key: str, version: Mapping[str, str], *, inherited: bool) -> None:
        self.inherited = inherited
        self.begun = inherited
        self._bucket = bucket
        self._key = key
        self._version = version
        self._lost = False
        self._renewing = threading.Lock()
        self._over = threading.Event()

    def check(self) -> None:
        """NotReady if somebody else has the turn by now; otherwise we have it for a while longer."""
        if not self._renew():
            raise NotReady("this took too long, and somebody else changes the data now: try again")

    def _renew(self) -> bool:
        with self._renewing:
            if not self._lost and not self._over.is_set():
                version = self._bucket.put_if(self._key, secrets.token_bytes(16), self._version)
                self._lost = version is None
                self._version = version or self._version
            return not self._lost

    def keep(self) -> None:
        """Renew it until it is over; for a thread of its own."""
        while not self._over.wait(LASTS / 3):
            try:
                if not self._renew():
                    return
            except Exception:  # noqa: BLE001, S112 - the bucket may answer again before the turn is lost
                continue

    def end(self, *, finished: bool) -> None:
        """Let others have their turn; those who have not finished let the next one know."""
        self._over.set()
        with self._renewing:
            if not self._lost:
                self._bucket.put_if(self._key, _FREE if finished or not self.begun else _LEFT, self._version)


@contextmanager
def taking_turns(bucket: Bucket, key: str) -> Iterator[Lease]:
    """Have the turn that the object at a key stands for; NotReady if others do not come to an end."""
    lease = _take(bucket, key)
    heart = threading.Thread(target=lease.keep, daemon=True)
    heart.start()
    finished = False
    try:
        yield lease
        finished = True
    finally:
        lease.end(finished=finished)


def _take(bucket: Bucket, key: str) -> Lease:
    seen: Mapping[str, str] | None = None
    since = begun = time.monotonic()
    while time.monotonic() - begun < WAIT + LASTS:
        found = bucket.get(key)
        if found is None or bytes(found.data) in (_FREE, _LEFT):
            inherited = found is not None and bytes(found.data) == _LEFT
        elif found.version != seen:
            seen, since = found.version, time.monotonic()
            time.sleep(_PAUSE)
            continue
        elif time.monotonic() - since < LASTS:
            time.sleep(_PAUSE)
            continue
        else:
            inherited = True
        version = bucket.put_if(key, secrets.token_bytes(16), None if found is None else found.version)
        if version is not None:
            return Lease(bucket, key, version, inherited=inherited)
    raise NotReady("others change the data without end: try again")

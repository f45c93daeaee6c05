"""Files that many chunks append to: bytes wait in memory up to a bound; every run writes the same bytes."""

from __future__ import annotations

import zlib
from pathlib import Path

WAITING_BYTES = 256 << 20


def gzip_member(content: bytes, level: int) -> bytes:
    """One gzip member with no time and no name in its header; members may follow each other in a file."""
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    # zlib writes a zero time and its own system byte; the byte is set, so that all machines agree.
    packed = bytearray(packer.compress(content) + packer.flush())
    packed[9] = 255
    return bytes(packed)


class Files:
    """Appends to files below a folder; call `flush` at the end."""

    def __init__(self, folder: Path, is_gzip: bool = True, level: int = 1) -> None:
        self.folder = folder
        self.is_gzip = is_gzip
        self.level = level
        self._waiting: dict[str, list[bytes]] = {}
        self._size = 0

    def append(self, path: str, content: bytes) -> None:
        """Add bytes to the end of a file (its path without `.gz`)."""
        self._waiting.setdefault(path, []).append(content)
        self._size += len(content)
        if self._size > WAITING_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        for path, parts in self._waiting.items():
            target = self.folder / (path + ".gz" if self.is_gzip else path)
            target.parent.mkdir(parents=True, exist_ok=True)
            content = b"".join(parts)
            with target.open("ab") as stream:
                stream.write(gzip_member(content, self.level) if self.is_gzip else content)
        self._waiting.clear()
        self._size = 0

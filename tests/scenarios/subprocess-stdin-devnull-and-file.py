# area: subprocess
# behaviour: Input from nowhere, output to a descriptor of one's own, which stays open.
import asyncio
import os
from asyncio.subprocess import DEVNULL


async def main():
    r, w = os.pipe()
    proc = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", "wc -c; echo error >&2", stdin=DEVNULL, stdout=w, stderr=DEVNULL)
    print("exit code", await proc.wait())
    os.write(w, b"still open\n")
    os.close(w)
    with open(r) as f:
        print([line.strip() for line in f])


asyncio.run(main())

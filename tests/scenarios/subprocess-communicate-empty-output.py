# area: subprocess
# behaviour: A pipe into which nothing was written gives no bytes, not nothing.
import asyncio
from asyncio.subprocess import PIPE


async def main():
    proc = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", "exit 0", stdout=PIPE, stderr=PIPE)
    out, errors = await proc.communicate()
    print("out", len(out), "errors", len(errors))


asyncio.run(main())

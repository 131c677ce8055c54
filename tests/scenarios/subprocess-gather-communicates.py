# area: subprocess
# behaviour: Several programs talk at once; results come in the order of the arguments.
import asyncio
from asyncio.subprocess import PIPE


async def run(delay, text):
    proc = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", "sleep %s; cat" % delay, stdin=PIPE, stdout=PIPE)
    out, _ = await proc.communicate(text)
    return out.decode()


async def main():
    print(await asyncio.gather(run(0.06, b"slow"), run(0, b"fast"), run(0.03, b"middle")))


asyncio.run(main())

# area: subprocess
# behaviour: Writing to a program that has gone fails at the drain, not with a signal.
import asyncio
from asyncio.subprocess import PIPE


async def main():
    proc = await asyncio.create_subprocess_exec("/bin/sh", "-c", "exit 0", stdin=PIPE)
    await proc.wait()
    try:
        for _ in range(3):
            proc.stdin.write(b"x" * 100000)
            await proc.stdin.drain()
        print("no error")
    except (BrokenPipeError, ConnectionResetError):
        print("the pipe is broken")


asyncio.run(main())

# area: subprocess
# behaviour: A program that does not read its input is no error of communicate.
import asyncio
from asyncio.subprocess import PIPE


async def main():
    proc = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", "exec 0<&-; echo not listening; exit 3",
        stdin=PIPE, stdout=PIPE)
    out, _ = await proc.communicate(b"x" * 1000000)
    print("out", out.decode().strip())
    print("returncode", proc.returncode)


asyncio.run(main())

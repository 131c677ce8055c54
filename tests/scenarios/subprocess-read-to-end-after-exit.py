# area: subprocess
# behaviour: What a program wrote can be read after its exit was waited for.
import asyncio
from asyncio.subprocess import PIPE


async def main():
    proc = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", "echo left behind; exit 2", stdout=PIPE)
    print("exit code", await proc.wait())
    print("rest", (await proc.stdout.read()).decode().strip())
    print("at end", proc.stdout.at_eof())


asyncio.run(main())

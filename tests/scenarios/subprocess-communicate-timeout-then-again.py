# area: subprocess
# behaviour: After a wait_for around communicate has passed its limit, kill and communicate again.
import asyncio
from asyncio.subprocess import PIPE


async def main():
    proc = await asyncio.create_subprocess_exec("sleep", "60", stdout=PIPE)
    try:
        await asyncio.wait_for(proc.communicate(), 0.05)
    except asyncio.TimeoutError as e:
        print(type(e).__name__, "running", proc.returncode is None)
    proc.kill()
    out, _ = await proc.communicate()
    print("out", len(out), "returncode", proc.returncode)


asyncio.run(main())

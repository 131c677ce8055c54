# area: subprocess
# behaviour: Cancelling communicate leaves the program running.
import asyncio
from asyncio.subprocess import PIPE


async def main():
    proc = await asyncio.create_subprocess_exec("cat", stdout=PIPE, stdin=PIPE)
    reader = asyncio.create_task(proc.stdout.readline())
    proc.stdin.write(b"first\n")
    print("line", (await reader).decode().strip())
    task = asyncio.create_task(proc.wait())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled, running", proc.returncode is None)
    out, _ = await proc.communicate(b"second\n")
    print("out", out.decode().strip(), "returncode", proc.returncode)


asyncio.run(main())

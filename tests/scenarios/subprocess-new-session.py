# area: subprocess
# behaviour: A new session makes the child the leader of its own session and group.
import asyncio
import os
from asyncio.subprocess import PIPE


async def main():
    for new in (False, True):
        proc = await asyncio.create_subprocess_exec(
            "cat", stdin=PIPE, start_new_session=new)
        pid = proc.pid
        print("new", int(new), "leads", int(os.getsid(pid) == pid), int(os.getpgid(pid) == pid))
        proc.stdin.close()
        print("exit code", await proc.wait())


asyncio.run(main())

# area: subprocess
# behaviour: communicate moves a megabyte both ways at once without a deadlock.
import asyncio
from asyncio.subprocess import PIPE


async def main():
    data = bytes(i * 7 % 251 for i in range(1 << 20))
    proc = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    out, errors = await proc.communicate(data)
    print("same", out == data, "bytes", len(out))
    print("errors", errors)
    print("returncode", proc.returncode)


asyncio.run(main())

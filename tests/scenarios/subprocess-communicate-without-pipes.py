# area: subprocess
# behaviour: communicate without pipes waits for the exit; there is no output.
import asyncio


async def main():
    proc = await asyncio.create_subprocess_exec("/bin/sh", "-c", "exit 4")
    out, errors = await proc.communicate()
    print("out", out, "errors", errors)
    print("returncode", proc.returncode)
    print("stdin", proc.stdin, "stdout", proc.stdout, "stderr", proc.stderr)


asyncio.run(main())

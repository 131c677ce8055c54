# area: subprocess
# behaviour: The shell form runs a line: pipelines, variables, exit codes.
import asyncio
from asyncio.subprocess import PIPE


async def run(line):
    proc = await asyncio.create_subprocess_shell(line, stdout=PIPE)
    out, _ = await proc.communicate()
    print("out", out.decode().split(), "code", proc.returncode)


async def main():
    await run("printf 'b\\na\\nb\\n' | sort | uniq -c")
    await run("x=5; echo $((x * 2)); exit $x")
    await run("exit 300")
    await run("kill -9 $$")


asyncio.run(main())

# area: subprocess
# behaviour: After its exit a program takes no signal: ProcessLookupError; the return code stays.
import asyncio
import signal


async def main():
    proc = await asyncio.create_subprocess_exec("/bin/sh", "-c", "exit 9")
    print("exit code", await proc.wait())
    for name, call in (("kill", proc.kill), ("terminate", proc.terminate),
                       ("send_signal", lambda: proc.send_signal(signal.SIGUSR1))):
        try:
            call()
        except ProcessLookupError as e:
            print(name, type(e).__name__)
    print("returncode", proc.returncode)


asyncio.run(main())

# area: subprocess
# behaviour: Closing the transport of a running program kills it, and its end is still told.
import asyncio


class Watch(asyncio.SubprocessProtocol):
    def __init__(self, done):
        self.done = done

    def process_exited(self):
        print("exited")

    def connection_lost(self, exc):
        print("lost", exc)
        self.done.set_result(None)


async def main():
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    transport, _ = await loop.subprocess_exec(lambda: Watch(done), "sleep", "60")
    print("closing", transport.is_closing())
    transport.close()
    print("closing", transport.is_closing())
    await done
    print("code", transport.get_returncode())


asyncio.run(main())

# area: subprocess
# behaviour: The protocol form with a dialogue: input is written, output comes in callbacks.
import asyncio


class Talk(asyncio.SubprocessProtocol):
    def __init__(self, done):
        self.done, self.text = done, ""

    def connection_made(self, transport):
        print("made, running", transport.get_returncode() is None)
        transport.get_pipe_transport(0).write(b"ping\n")

    def pipe_data_received(self, fd, data):
        self.text += data.decode()
        if self.text == "ping\n":
            print("fd", fd, "says", self.text.strip())
            self.transport.get_pipe_transport(0).close()

    def process_exited(self):
        print("exited")

    def connection_lost(self, exc):
        print("lost", exc)
        self.done.set_result(self.text)


async def main():
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    talk = Talk(done)
    talk.transport, _ = await loop.subprocess_exec(lambda: talk, "cat")
    print("text", (await done).strip(), "code", talk.transport.get_returncode())


asyncio.run(main())

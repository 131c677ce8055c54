import asyncio
from tracelib import show


class Source:
    def pause_reading(self):
        print("pause")

    def resume_reading(self):
        print("resume")


async def main():
    r = asyncio.StreamReader(limit=2)
    r.set_transport(Source())
    r.feed_data(b"12345")
    task = asyncio.create_task(r.readexactly(8))
    await asyncio.sleep(0)
    r.feed_data(b"678")
    r.feed_data(b"9")
    print("exactly", show(await task))
    r.feed_data(b"abcdefgh")
    print("some", show(await r.read(3)))
    r.feed_eof()
    print("rest", show(await r.read()))


asyncio.run(main())

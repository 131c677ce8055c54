import asyncio
from tracelib import err, show


async def main():
    r = asyncio.StreamReader()
    print("exception none=%d" % (r.exception() is None))
    r.feed_data(b"line\n")
    r.set_exception(ConnectionResetError())
    try:
        await r.readline()
    except OSError as e:
        print(err(e))
    print("exception", err(r.exception()))
    print("at eof %d" % r.at_eof())
    r.feed_eof()
    print("at eof %d" % r.at_eof())


asyncio.run(main())

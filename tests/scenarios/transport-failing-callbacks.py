# area: transport
# behaviour: Errors in data_received, eof_received, get_buffer and buffer_updated are fatal; in connection_made and connection_lost they are only reported; an OSError is fatal without a report.
import asyncio
from support.tracer import BufferedTracer, Tracer, connect, print_reports, turns


def fail(t):
    raise ValueError("on purpose")


def fail_as_system(t):
    raise PermissionError(1, "on purpose")


async def attempt(title, a):
    print(title)
    peer = await connect(a)
    peer.send(b"one")
    await turns(3)
    peer.close()
    await turns(4)


async def main():
    print_reports()
    await attempt("made", Tracer("a", made=fail))
    await attempt("data", Tracer("a", data=fail))
    await attempt("data, of the system", Tracer("a", data=fail_as_system))
    await attempt("eof", Tracer("a", eof=fail))
    await attempt("lost", Tracer("a", lost=fail))
    await attempt("get_buffer", BufferedTracer("a", 4, get_buffer=fail))
    await attempt("empty buffer", BufferedTracer("a", 0))
    await attempt("buffer_updated", BufferedTracer("a", 4, data=fail))


asyncio.run(main())

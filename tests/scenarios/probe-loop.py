"""Callbacks of a loop that stop, cancel, close, add and fail."""
import asyncio, os, socket
from support import logs


def say(t):
    print(t)


def new():
    loop = asyncio.new_event_loop()
    return loop


def one(loop):
    loop.stop()
    loop.run_forever()


def order():
    loop = new()
    def first():
        print('first')
        loop.call_later(0, say, 'timer from first')
        loop.call_soon(say, 'soon from first')
        loop.call_later(-1, say, 'past timer from first')
        loop.call_soon_threadsafe(say, 'threadsafe from first')
    loop.call_at(loop.time() - 5, say, 'overdue')
    loop.call_soon(first)
    loop.call_later(0, say, 'zero')
    one(loop)
    print('-- 1')
    one(loop)
    print('-- 2')
    one(loop)
    print('-- 3')
    loop.close()


def stop_cases():
    loop = new()
    def stop_twice():
        print('stops')
        loop.stop()
        loop.stop()
        loop.call_soon(say, 'left over')
    loop.call_soon(stop_twice)
    loop.call_soon(say, 'same turn')
    loop.run_forever()
    print('back')
    one(loop)
    def stop_and_fail():
        loop.stop()
        raise ValueError('x')
    loop.call_soon(stop_and_fail)
    loop.run_forever()
    print('back after failure')
    f = loop.create_future()
    def done_and_stop():
        f.set_result('value')
        loop.stop()
    loop.call_soon(done_and_stop)
    try:
        print(loop.run_until_complete(f))
    except RuntimeError as e:
        print('RuntimeError', e)
    print(loop.run_until_complete(f))
    loop.stop()
    f2 = loop.create_future()
    f2.set_result('v2')
    print(loop.run_until_complete(f2))
    loop.stop()
    f3 = loop.create_future()
    try:
        loop.run_until_complete(f3)
    except RuntimeError as e:
        print('RuntimeError', e)
    print('f3 done', f3.done())
    loop.close()


def handles():
    loop = new()
    h = loop.call_soon(say, 'h')
    t = loop.call_later(60, say, 't')
    print('cancelled', h.cancelled(), t.cancelled())
    t.cancel()
    t.cancel()
    h.cancel()
    print('cancelled', h.cancelled(), t.cancelled())
    one(loop)
    h = loop.call_soon(say, 'ran')
    one(loop)
    h.cancel()
    print('cancelled after run', h.cancelled())
    box = []
    def self_cancel():
        box[0].cancel()
        print('self cancelled', box[0].cancelled())
    box.append(loop.call_soon(self_cancel))
    one(loop)
    def kill():
        print('kill')
        second.cancel()
    now = loop.time()
    loop.call_at(now - 2, kill)
    second = loop.call_at(now - 1, say, 'never')
    one(loop)
    h = loop.call_soon(say, 'never')
    t = loop.call_later(60, say, 'never')
    loop.close()
    print('after close', h.cancelled(), t.cancelled())
    h.cancel()
    t.cancel()
    print('after cancel', h.cancelled(), t.cancelled())


def closed():
    loop = new()
    loop.close()
    loop.close()
    print('closed', loop.is_closed(), loop.is_running())
    loop.stop()
    print('stop is fine')
    for name, fn in (('soon', lambda: loop.call_soon(say, 'x')), ('later', lambda: loop.call_later(1, say, 'x')), ('at', lambda: loop.call_at(1, say, 'x')), ('threadsafe', lambda: loop.call_soon_threadsafe(say, 'x')), ('forever', lambda: loop.run_forever()), ('executor', lambda: loop.run_in_executor(None, print))):
        try:
            fn()
            print(name, 'ok')
        except RuntimeError as e:
            print(name, 'RuntimeError', e)
    r, w = os.pipe()
    for name, fn in (('add_reader', lambda: loop.add_reader(r, say, 'x')), ('remove_reader', lambda: loop.remove_reader(r)), ('remove_writer', lambda: loop.remove_writer(w)), ('add_writer', lambda: loop.add_writer(w, say, 'x'))):
        try:
            print(name, fn())
        except RuntimeError as e:
            print(name, 'RuntimeError', e)


def fds():
    loop = new()
    a, b = socket.socketpair()
    a.setblocking(False)
    b.setblocking(False)
    def reader(n):
        print('reader', n)
        print('removed', loop.remove_reader(a.fileno()), loop.remove_reader(a.fileno()))
        loop.call_soon(say, 'soon of reader')
    loop.add_reader(a.fileno(), reader, 1)
    loop.add_writer(a.fileno(), say, 'writer')
    b.send(b'x')
    loop.call_soon(say, 'soon')
    loop.call_later(0, say, 'timer')
    one(loop)
    print('--')
    one(loop)
    print('--')
    print('removed', loop.remove_writer(a.fileno()), loop.remove_writer(a.fileno()))
    one(loop)
    print('-- quiet')
    loop.add_reader(a.fileno(), say, 'never')
    def rm():
        print('rm', loop.remove_reader(a.fileno()))
    loop.call_soon(rm)
    one(loop)
    print('--')
    loop.add_reader(a.fileno(), say, 'old')
    def replace():
        loop.add_reader(a.fileno(), say, 'new')
        print('replaced')
    loop.call_soon(replace)
    one(loop)
    print('--')
    one(loop)
    print('--')
    def bad():
        print('bad')
        raise ValueError('bad')
    loop.add_reader(a.fileno(), bad)
    one(loop)
    one(loop)
    def w():
        print('w removes r', loop.remove_reader(a.fileno()))
        loop.remove_writer(a.fileno())
    loop.add_reader(a.fileno(), say, 'r of both')
    loop.add_writer(a.fileno(), w)
    one(loop)
    print('--')
    one(loop)
    print('--')
    loop.add_reader(a.fileno(), say, 'r at eof')
    b.close()
    one(loop)
    loop.remove_reader(a.fileno())
    loop.close()
    a.close()


def nested():
    loop = new()
    def inside():
        for name, fn in (('forever', loop.run_forever), ('close', loop.close), ('until', lambda: loop.run_until_complete(f))):
            try:
                fn()
            except RuntimeError as e:
                print(name, 'RuntimeError', e)
        loop.stop()
    f = loop.create_future()
    loop.call_soon(inside)
    loop.run_forever()
    other = new()
    def inside2():
        try:
            other.run_forever()
        except RuntimeError as e:
            print('other', e)
        other.call_soon(say, 'queued on the other')
        loop.stop()
    loop.call_soon(inside2)
    loop.run_forever()
    one(other)
    other.close()
    loop.close()


logs.watch_logs()
for f in (order, stop_cases, handles, closed, fds, nested):
    print('==', f.__name__)
    f()

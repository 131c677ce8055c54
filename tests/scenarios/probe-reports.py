"""What is reported: to whom, with which keys, and what is not."""
import asyncio, gc, re, time, signal, os, logging, contextvars
from support import logs


def yes(x):
    return 'yes' if x else 'no'


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


def handler(loop, context):
    print('HANDLER', re.sub('keys.<locals>.|\\(.*', '', context['message']), logs.err(context['exception']) if 'exception' in context else 'none', 'task' if 'task' in context else 'future' if 'future' in context else 'handle' if 'handle' in context else 'nothing')


async def keys():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(handler)
    async def fail():
        raise ValueError('x')
    def bad(*_):
        raise KeyError('k')
    t = asyncio.create_task(fail())
    await turns(2)
    del t
    gc.collect()
    f = loop.create_future()
    f.set_exception(ValueError('y'))
    del f
    gc.collect()
    loop.call_soon(bad)
    await turns(1)
    h = loop.call_later(0, bad)
    await turns(2)
    f = loop.create_future()
    f.add_done_callback(bad)
    f.cancel()
    await turns(2)
    loop.call_exception_handler({'message': 'by hand'})
    loop.call_exception_handler({'message': 'by hand', 'exception': OSError()})
    print('handler is set', yes(loop.get_exception_handler() is handler))
    async def ok():
        pass
    t = asyncio.create_task(ok())
    t.add_done_callback(bad)
    await turns(3)
    def c():
        raise asyncio.CancelledError()
    loop.call_soon(c)
    await turns(1)
    def worse(loop, context):
        print('worse')
        raise OSError()
    loop.set_exception_handler(worse)
    loop.call_soon(bad)
    await turns(1)
    def once(loop, context):
        print('once')
        loop.set_exception_handler(None)
        loop.default_exception_handler(context)
    loop.set_exception_handler(once)
    loop.call_soon(bad)
    loop.call_soon(bad)
    await turns(1)
    print('reset', yes(loop.get_exception_handler() is None))


async def never_awaited():
    async def co():
        print('runs')
    c = co()
    c.close()
    print('- closed')
    del c
    c = co()
    del c
    gc.collect()
    print('- dropped')
    async def maker():
        co()
    await asyncio.create_task(maker())
    gc.collect()
    print('- maker ended')


async def debugging():
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.05
    print('debug', yes(loop.get_debug()))
    def slow_callback(*_):
        time.sleep(0.08)
    def fine():
        time.sleep(0.001)
    loop.call_soon(slow_callback)
    loop.call_soon(fine)
    loop.call_later(0, slow_callback)
    await turns(2)
    async def slow_step():
        time.sleep(0.08)
        await asyncio.sleep(0)
        time.sleep(0.08)
        return 1
    await asyncio.create_task(slow_step(), name='slowpoke')
    f = loop.create_future()
    f.add_done_callback(slow_callback)
    f.set_result(1)
    await turns(2)
    loop.slow_callback_duration = 10
    loop.call_soon(slow_callback)
    await turns(1)
    loop.slow_callback_duration = 0
    def quick():
        pass
    loop.set_debug(False)
    loop.call_soon(quick)
    await turns(1)
    print('quiet')


async def signals():
    loop = asyncio.get_running_loop()
    def got(n):
        print('signal', n)
    loop.add_signal_handler(signal.SIGUSR1, got, 1)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.sleep(0.02)
    loop.add_signal_handler(signal.SIGUSR1, got, 2)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.sleep(0.02)
    def bad():
        raise ValueError()
    loop.add_signal_handler(signal.SIGUSR1, bad)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.sleep(0.02)
    print(loop.remove_signal_handler(signal.SIGUSR1), loop.remove_signal_handler(signal.SIGUSR1))
    for n in (signal.SIGKILL, signal.SIGSTOP, 0, -1, 1000):
        try:
            loop.add_signal_handler(n, got, 3)
            print('ok')
        except (RuntimeError, ValueError) as e:
            print(type(e).__name__)
    for n in (0, 1000):
        try:
            print(loop.remove_signal_handler(n))
        except ValueError as e:
            print(type(e).__name__)
    async def child():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as e:
            print('child', *e.args)
            raise
    t = asyncio.create_task(child())
    def once():
        print('once', asyncio.current_task(), loop.remove_signal_handler(signal.SIGTERM))
        t.cancel('SIGTERM')
    loop.add_signal_handler(signal.SIGTERM, once)
    await turns(1)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait([t])
    var = contextvars.ContextVar('v', default='default')
    var.set('at adding')
    loop.add_signal_handler(signal.SIGUSR2, lambda: print('context', var.get()))
    var.set('later')
    os.kill(os.getpid(), signal.SIGUSR2)
    await asyncio.sleep(0.02)


async def main():
    asyncio.current_task().set_name('main')
    logs.watch_logs()
    for f in (keys, never_awaited, debugging, signals):
        print('==', f.__name__)
        await f()


asyncio.run(main())

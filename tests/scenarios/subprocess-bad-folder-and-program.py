# area: subprocess
# behaviour: Errors of the start are those of the system, for the program and for the folder.
import asyncio


async def attempt(name, program, **options):
    try:
        await asyncio.create_subprocess_exec(program, **options)
    except OSError as e:
        print(name, type(e).__name__)


async def main():
    await attempt("no program", "/nonexistent/program")
    await attempt("not in PATH", "no-program-of-this-name")
    await attempt("a folder", "/etc")
    await attempt("not executable", "/etc/passwd")
    await attempt("no folder", "true", cwd="/nonexistent/folder")
    await attempt("a file as folder", "true", cwd="/etc/passwd")
    await attempt("other PATH", "true", env={"PATH": "/nonexistent"})


asyncio.run(main())

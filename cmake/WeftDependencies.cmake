# What weft is built on, all from the system. libweft itself needs libuv and
# threads; each of the others is needed by one target only.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv>=1.44)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)

if(WEFT_JEMALLOC AND NOT WEFT_SANITIZE)
    pkg_check_modules(JEMALLOC REQUIRED jemalloc)
endif()

# Probes for tracers: a header only, of the package systemtap-sdt-dev. Without it
# the library is the same but for the probes.
include(CheckIncludeFile)
set(WEFT_HAVE_USDT OFF)
if(WEFT_USDT)
    check_include_file(sys/sdt.h HAVE_SYS_SDT_H)
    set(WEFT_HAVE_USDT ${HAVE_SYS_SDT_H})
endif()
if(WEFT_HAVE_USDT)
    message(STATUS "probes for tracers (USDT): built in")
elseif(WEFT_USDT)
    message(STATUS "probes for tracers (USDT): left out, no <sys/sdt.h> (Debian package systemtap-sdt-dev)")
else()
    message(STATUS "probes for tracers (USDT): left out, WEFT_USDT is off")
endif()

# llhttp: Debian ships the C sources in the package node-llhttp, without a
# built library and without a .pc file, so they are compiled here as objects.
# The strict mode must be the same in llhttp and in whoever includes its header.
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATH_SUFFIXES share/include/llhttp llhttp
          HINTS /usr/share/include/llhttp REQUIRED)
find_path(LLHTTP_SOURCE_DIR llhttp.c PATH_SUFFIXES share/llhttp
          HINTS /usr/share/llhttp REQUIRED)
add_library(llhttp OBJECT EXCLUDE_FROM_ALL
    ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c ${LLHTTP_SOURCE_DIR}/llhttp.c)
target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
target_compile_options(llhttp PRIVATE -w -fvisibility=hidden)

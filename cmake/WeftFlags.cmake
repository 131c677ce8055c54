# Compiler and linker flags of everything that is built here. Flags that only
# the libraries need (visibility, TLS model) are set on their targets.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
# Only the tests are C++. C++20, because they use designated initialisers on
# option structs; that the headers are C++17 is checked by tools/check-headers.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()
# Debug information is always there: reports print file and line from it.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
# Only tests are C++; optimising them further costs more than it brings.
set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")

# One folder for what users start, one for what they link.
set(WEFT_BIN_DIR "${PROJECT_BINARY_DIR}/bin")
set(WEFT_LIB_DIR "${PROJECT_BINARY_DIR}/lib")
set(WEFT_MODULE_DIR "${WEFT_LIB_DIR}/weft")

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C CXX)

# The floors call each other in small functions; across files they are worth inlining.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT WEFT_SANITIZE)
    set(WEFT_LTO ON)
else()
    set(WEFT_LTO OFF)
endif()

# In every language rule below, assembly is left out: it is hand-written and
# knows no sanitizer, and clang warns about flags that it does not use there.
set(c_cxx "$<COMPILE_LANGUAGE:C,CXX>")

add_compile_definitions(_GNU_SOURCE)
add_compile_options(
    "$<${c_cxx}:-Wall;-Wextra>"
    "$<$<COMPILE_LANGUAGE:C>:-Wvla;-Wstrict-prototypes;-Wmissing-prototypes>"
    "$<${c_cxx}:-fno-omit-frame-pointer;-fstack-protector-strong>")
if(WEFT_WERROR)
    add_compile_options("$<${c_cxx}:-Werror>")
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    # Indirect branch tracking only: the coroutine switch is not shadow-stack
    # capable and must not be marked as if it were.
    add_compile_options("$<${c_cxx}:-fstack-clash-protection;-fcf-protection=branch>")
elseif(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options("$<${c_cxx}:-fstack-clash-protection>")
endif()

add_link_options(-Wl,-z,relro -Wl,-z,now)

if(WEFT_SANITIZE STREQUAL "address")
    set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(WEFT_SANITIZE STREQUAL "thread")
    set(sanitizers -fsanitize=thread)
elseif(WEFT_SANITIZE)
    message(FATAL_ERROR "WEFT_SANITIZE is '${WEFT_SANITIZE}', not address or thread")
else()
    set(sanitizers)
    # Not with sanitizers: they want the plain calls, and their run-time is
    # linked into programs only, so that -z defs would refuse the libraries.
    add_compile_options("$<$<AND:${c_cxx},$<CONFIG:Release>>:-D_FORTIFY_SOURCE=2>")
    add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY>:-Wl,-z,defs>)
endif()
if(sanitizers)
    add_compile_options("$<${c_cxx}:${sanitizers}>")
    add_link_options(${sanitizers})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # gcc's documentation: false positives are to be expected with sanitizers.
        # libstdc++'s <regex> inside Catch has two dozen.
        add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized>")
    endif()
endif()

# clang-14's ThreadSanitizer cannot map its shadow where the kernel randomises
# addresses by more than 28 bits, so its programs start without randomisation,
# also when the build runs them to list their tests.
if(WEFT_SANITIZE STREQUAL "thread")
    find_program(SETARCH setarch)
    if(SETARCH)
        execute_process(COMMAND ${SETARCH} ${CMAKE_SYSTEM_PROCESSOR} -R true
                        RESULT_VARIABLE setarch_result OUTPUT_QUIET ERROR_QUIET)
        if(setarch_result EQUAL 0)
            set(CMAKE_CROSSCOMPILING_EMULATOR ${SETARCH} ${CMAKE_SYSTEM_PROCESSOR} -R)
        endif()
    endif()
endif()

# How tests are registered. Every test has a time limit and one label, its
# family: unit, integration, daemon, stress, scenario, debug, check, arm64, model, nightly.
include(Catch)

# A sanitizer makes everything slower; the limits are for hangs, not for speed.
if(WEFT_SANITIZE)
    set(WEFT_TEST_TIMEOUT 120)
else()
    set(WEFT_TEST_TIMEOUT 60)
endif()
math(EXPR WEFT_TEST_LONG_TIMEOUT "${WEFT_TEST_TIMEOUT} * 4")

# What test programs and scripts may ask their environment for.
set(WEFT_TEST_ENVIRONMENT
    "WEFT_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
    "WEFT_BUILD_DIR=${PROJECT_BINARY_DIR}"
    "WEFT_SANITIZE=${WEFT_SANITIZE}"
    "ASAN_OPTIONS=detect_stack_use_after_return=0:strict_string_checks=1:check_initialization_order=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")

# The same for C++, where a definition is handier than getenv().
set(WEFT_TEST_DEFINITIONS
    WEFT_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    WEFT_TEST_BUILD_DIR="${PROJECT_BINARY_DIR}"
    WEFT_TEST_BIN_DIR="${WEFT_BIN_DIR}"
    WEFT_TEST_MODULE_DIR="${WEFT_MODULE_DIR}")

# weft_add_catch(PROGRAM LABEL PREFIX TIMEOUT SOURCES... LINK libraries...)
# A test program whose every TEST_CASE is one ctest test. `-w NoTests`: Catch
# exits with 0 when a name matches nothing, which would pass.
function(weft_add_catch program label prefix timeout)
    cmake_parse_arguments(PARSE_ARGV 4 arg "" "" "SOURCES;LINK")
    weft_add_program(${program} ${arg_SOURCES})
    target_compile_definitions(${program} PRIVATE ${WEFT_TEST_DEFINITIONS})
    target_link_libraries(${program} PRIVATE weft_test_support ${arg_LINK})
    target_precompile_headers(${program} REUSE_FROM weft_test_support)
    # The precompiled header is C++; what is C beside the tests has none to use.
    set(c_sources ${arg_SOURCES})
    list(FILTER c_sources INCLUDE REGEX "\\.c$")
    set_source_files_properties(${c_sources} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    set_target_properties(${program} PROPERTIES
        LINKER_LANGUAGE CXX
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    string(REPLACE ";" "\\;" environment "${WEFT_TEST_ENVIRONMENT}")
    catch_discover_tests(${program}
        TEST_PREFIX ${prefix}.
        EXTRA_ARGS -w NoTests
        PROPERTIES TIMEOUT ${timeout} LABELS ${label} ENVIRONMENT "${environment}")
endfunction()

# weft_add_check(NAME LABEL TIMEOUT COMMAND...)
function(weft_add_check name label timeout)
    add_test(NAME ${name} COMMAND ${ARGN})
    set_tests_properties(${name} PROPERTIES
        TIMEOUT ${timeout} LABELS ${label} ENVIRONMENT "${WEFT_TEST_ENVIRONMENT}")
endfunction()

# weft_add_nightly(NAME TIMEOUT COMMAND...)
# A test that runs only with `ctest -C Nightly` (./dev test nightly).
function(weft_add_nightly name timeout)
    add_test(NAME ${name} CONFIGURATIONS Nightly COMMAND ${ARGN})
    set_tests_properties(${name} PROPERTIES
        TIMEOUT ${timeout} LABELS nightly ENVIRONMENT "${WEFT_TEST_ENVIRONMENT}")
endfunction()

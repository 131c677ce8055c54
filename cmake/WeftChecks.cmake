# The checkers of our own rules as tests, and the tests that need no sanitizer
# because they do not run what this build has compiled.
set(tools ${PROJECT_SOURCE_DIR}/tools)

weft_add_check(check.includes check 60 ${tools}/check-includes ${PROJECT_SOURCE_DIR})
weft_add_check(check.headers check 120 ${tools}/check-headers ${PROJECT_SOURCE_DIR})
weft_add_check(check.alloc check 60 ${tools}/check-alloc ${PROJECT_SOURCE_DIR})
weft_add_check(check.docs check 60 ${tools}/check-docs ${PROJECT_SOURCE_DIR})
weft_add_check(check.develop check 60 ${tools}/check-develop ${PROJECT_SOURCE_DIR})
weft_add_check(check.readme check 60 ${tools}/check-readme ${PROJECT_SOURCE_DIR})
weft_add_check(check.asyncio-map check 60 ${tools}/check-asyncio-map --final ${PROJECT_SOURCE_DIR})
weft_glob(headers ../include/weft/*.h)
list(FILTER headers EXCLUDE REGEX "/(http(_[a-z]+)?|service)\\.h$")
weft_add_check(check.exports.weft check 60 ${tools}/check-exports $<TARGET_FILE:weft> ${headers})
weft_add_check(check.symbols.weft check 60
    ${tools}/check-symbols $<TARGET_FILE:weft> weft_ WEFT_0)
if(TARGET weft_http)
    weft_glob(headers ../include/weft/http.h ../include/weft/http_*.h)
    weft_add_check(check.symbols.weft-http check 60
        ${tools}/check-symbols $<TARGET_FILE:weft_http> weft_http_ WEFT_HTTP_0)
    weft_add_check(check.exports.weft-http check 60
        ${tools}/check-exports $<TARGET_FILE:weft_http> ${headers})
endif()
if(TARGET weft-worker)
    weft_add_check(check.exports.weft-worker check 60
        ${tools}/check-exports $<TARGET_FILE:weft-worker> ${PROJECT_SOURCE_DIR}/include/weft/service.h)
endif()

set(planted)
if(WEFT_HAVE_USDT)
    weft_add_check(check.probes check 60 ${tools}/check-probes $<TARGET_FILE:weft> ${PROJECT_SOURCE_DIR})
    set(planted probe-gone probe-untold)
endif()

# Each checker must find a violation that is planted for it.
foreach(name IN ITEMS ${planted}
        include-upward include-upward-public include-sideways include-circle include-module-circle
        include-uv include-internal header-alone header-cxx alloc docs-thread docs-none
        docs-macro docs-inline docs-type docs-order
        readme-code readme-link develop-report develop-program
        map-unknown map-twice map-missing map-no-header map-no-reason map-no-row map-not-yet
        export-missing export-undeclared
        symbol-name symbol-version)
    weft_add_check(check.planted.${name} check 60 ${tools}/test-checkers ${name})
endforeach()

weft_glob(units ../systemd/*.service ../systemd/*.socket)
if(units AND TARGET weftd)
    weft_add_check(check.systemd check 60 ${tools}/check-units ${WEFT_BIN_DIR} ${units})
endif()

weft_glob(programs arm64/*.c)
foreach(program IN LISTS programs)
    get_filename_component(name ${program} NAME_WE)
    weft_add_check(arm64.${name} arm64 ${WEFT_TEST_LONG_TIMEOUT}
        ${tools}/test-arm64 ${PROJECT_BINARY_DIR}/arm64/${name} ${program})
endforeach()

weft_glob(models models/*.pml)
foreach(model IN LISTS models)
    get_filename_component(name ${model} NAME_WLE)
    weft_add_check(model.R13.${name} model ${WEFT_TEST_LONG_TIMEOUT} ${tools}/test-model ${model})
endforeach()

# The explorer of interleavings drives the library's own sources, compiled with a
# switch point at each atomic operation; and mutants of them, which it must find.
set(explorer models/explore/explore.c models/explore/scenarios.cpp)
set(executor ${PROJECT_SOURCE_DIR}/lib/thread/executor.c ${PROJECT_SOURCE_DIR}/lib/thread/executor_queue.c
    ${PROJECT_SOURCE_DIR}/lib/thread/executor_stats.c)
set(executor_thread ${PROJECT_SOURCE_DIR}/lib/thread/executor_thread.c)
function(weft_add_explorer program mailbox future threads)
    weft_add_catch(${program} model model ${WEFT_TEST_LONG_TIMEOUT}
        SOURCES ${explorer} ${mailbox} ${future} ${executor} ${threads} LINK weft_static)
    target_compile_definitions(${program} PRIVATE $<$<COMPILE_LANGUAGE:C>:WF_EXPLORE> ${ARGN})
    foreach(source IN LISTS mailbox future)
        set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS sched_yield=explore_yield)
    endforeach()
    set_property(SOURCE ${executor} ${threads} PROPERTY COMPILE_DEFINITIONS
        pthread_mutex_lock=explore_mutex_lock pthread_mutex_unlock=explore_mutex_unlock
        pthread_cond_wait=explore_cond_wait pthread_cond_timedwait=explore_cond_timedwait
        pthread_cond_broadcast=explore_cond_broadcast pthread_join=explore_join
        pthread_detach=explore_detach pthread_self=explore_self sched_yield=explore_pause
        wf_thread_start=explore_start wf_thread_set_name=explore_set_name
        weft_clock_now=explore_now clock_gettime=explore_clock_gettime)
    set_property(SOURCE ${executor} ${threads} APPEND PROPERTY COMPILE_OPTIONS
        -include ${CMAKE_CURRENT_SOURCE_DIR}/models/explore/explore.h)
    target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/lib)
endfunction()

set(mailbox ${PROJECT_SOURCE_DIR}/lib/thread/mailbox.c)
set(future ${PROJECT_SOURCE_DIR}/lib/thread/concurrent_future.c)

# weft_mutate(OUT SOURCE NAME OLD NEW): a copy of SOURCE with OLD replaced, once.
function(weft_mutate out source name old new)
    file(READ ${source} text)
    string(FIND "${text}" "${old}" at)
    if(at EQUAL -1)
        message(FATAL_ERROR "mutant ${name}: ${source} has no '${old}'")
    endif()
    string(REPLACE "${old}" "${new}" text "${text}")
    set(copy ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name}.c)
    file(CONFIGURE OUTPUT ${copy} CONTENT "${text}" @ONLY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    set(${out} ${copy} PARENT_SCOPE)
endfunction()

# An idle thread looks 40 times before it sleeps; here once will do.
weft_mutate(threads ${executor_thread} lingers-once "LINGER_YIELDS = 40," "LINGER_YIELDS = 1,")
weft_add_explorer(test-explore ${mailbox} ${future} ${threads})

weft_mutate(mutant ${threads} sleeps-with-open-intake
    "wf_queue_close_intake(executor);" "(void)0;")
weft_add_explorer(test-explore-intake ${mailbox} ${future} ${mutant} EXPLORE_MUTANT="sleeps-with-open-intake")

weft_mutate(mutant ${mailbox} sleep-in-two-steps
    "return wf_ptr_cas_acq_rel(&box->head, &head, SLEEPING)"
    "return wf_ptr_load_relaxed(&box->head) == head && (wf_ptr_exchange_acq_rel(&box->head, SLEEPING), true)")
weft_add_explorer(test-explore-sleep ${mutant} ${future} ${threads} EXPLORE_MUTANT="sleep-in-two-steps")

weft_mutate(mutant ${mailbox} fini-waits-for-no-ring
    "wf_u32_load_acquire(&box->n_rung) != box->n_rings_expected" "false")
weft_add_explorer(test-explore-fini ${mutant} ${future} ${threads} EXPLORE_MUTANT="fini-waits-for-no-ring")

weft_mutate(mutant ${future} await-without-looking
    "!wf_u32_cas_acq_rel(&future->word, &word, word | AWAITED)"
    "(wf_u32_store_release(&future->word, word | AWAITED), false)")
weft_add_explorer(test-explore-await ${mailbox} ${mutant} ${threads} EXPLORE_MUTANT="await-without-looking")

weft_mutate(mutant ${future} value-for-two
    "(wf_u32_or_acq_rel(&future->word, TAKEN) & TAKEN) != 0"
    "((wf_u32_load_acquire(&future->word) & TAKEN) != 0 || (wf_u32_or_acq_rel(&future->word, TAKEN), false))")
weft_add_explorer(test-explore-value ${mailbox} ${mutant} ${threads} EXPLORE_MUTANT="value-for-two")

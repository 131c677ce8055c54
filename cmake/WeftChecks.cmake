# The checkers of our own rules as tests, and the tests that need no sanitizer
# because they do not run what this build has compiled.
set(tools ${PROJECT_SOURCE_DIR}/tools)

weft_add_check(check.includes check 60 ${tools}/check-includes ${PROJECT_SOURCE_DIR})
weft_add_check(check.headers check 120 ${tools}/check-headers ${PROJECT_SOURCE_DIR})
weft_add_check(check.alloc check 60 ${tools}/check-alloc ${PROJECT_SOURCE_DIR})
weft_add_check(check.docs check 60 ${tools}/check-docs ${PROJECT_SOURCE_DIR})
weft_add_check(check.readme check 60 ${tools}/check-readme ${PROJECT_SOURCE_DIR})
weft_add_check(check.asyncio-map check 60 ${tools}/check-asyncio-map ${PROJECT_SOURCE_DIR})
weft_glob(headers ../include/weft/*.h)
list(FILTER headers EXCLUDE REGEX "/(http|service)\\.h$")
weft_add_check(check.exports.weft check 60 ${tools}/check-exports $<TARGET_FILE:weft> ${headers})
weft_add_check(check.symbols.weft check 60
    ${tools}/check-symbols $<TARGET_FILE:weft> weft_ WEFT_0)
if(TARGET weft_http)
    weft_add_check(check.symbols.weft-http check 60
        ${tools}/check-symbols $<TARGET_FILE:weft_http> weft_http_ WEFT_HTTP_0)
    weft_add_check(check.exports.weft-http check 60
        ${tools}/check-exports $<TARGET_FILE:weft_http> ${PROJECT_SOURCE_DIR}/include/weft/http.h)
endif()
if(TARGET weft-worker)
    weft_add_check(check.exports.weft-worker check 60
        ${tools}/check-exports $<TARGET_FILE:weft-worker> ${PROJECT_SOURCE_DIR}/include/weft/service.h)
endif()

# Each checker must find a violation that is planted for it.
foreach(name IN ITEMS
        include-upward include-upward-public include-sideways include-circle include-module-circle
        include-uv include-internal header-alone header-cxx alloc docs-thread docs-none
        readme-code readme-link
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
function(weft_add_explorer program mailbox future)
    weft_add_catch(${program} model model ${WEFT_TEST_LONG_TIMEOUT}
        SOURCES ${explorer} ${mailbox} ${future} LINK weft_static)
    target_compile_definitions(${program} PRIVATE
        $<$<COMPILE_LANGUAGE:C>:WF_EXPLORE> $<$<COMPILE_LANGUAGE:C>:sched_yield=explore_yield> ${ARGN})
endfunction()

set(mailbox ${PROJECT_SOURCE_DIR}/lib/thread/mailbox.c)
set(future ${PROJECT_SOURCE_DIR}/lib/thread/concurrent_future.c)
weft_add_explorer(test-explore ${mailbox} ${future})

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

weft_mutate(mutant ${mailbox} sleep-in-two-steps
    "return wf_ptr_cas_acq_rel(&box->head, &head, SLEEPING)"
    "return wf_ptr_load_relaxed(&box->head) == head && (wf_ptr_exchange_acq_rel(&box->head, SLEEPING), true)")
weft_add_explorer(test-explore-sleep ${mutant} ${future} EXPLORE_MUTANT="sleep-in-two-steps")

weft_mutate(mutant ${mailbox} fini-waits-for-no-ring
    "wf_u32_load_acquire(&box->n_rung) != box->n_rings_expected" "false")
weft_add_explorer(test-explore-fini ${mutant} ${future} EXPLORE_MUTANT="fini-waits-for-no-ring")

weft_mutate(mutant ${future} await-without-looking
    "!wf_u32_cas_acq_rel(&future->word, &word, word | AWAITED)"
    "(wf_u32_store_release(&future->word, word | AWAITED), false)")
weft_add_explorer(test-explore-await ${mailbox} ${mutant} EXPLORE_MUTANT="await-without-looking")

weft_mutate(mutant ${future} value-for-two
    "(wf_u32_or_acq_rel(&future->word, TAKEN) & TAKEN) != 0"
    "((wf_u32_load_acquire(&future->word) & TAKEN) != 0 || (wf_u32_or_acq_rel(&future->word, TAKEN), false))")
weft_add_explorer(test-explore-value ${mailbox} ${mutant} EXPLORE_MUTANT="value-for-two")

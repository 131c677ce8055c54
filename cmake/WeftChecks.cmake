# The checkers of our own rules as tests, and the tests that need no sanitizer
# because they do not run what this build has compiled.
set(tools ${PROJECT_SOURCE_DIR}/tools)

weft_add_check(check.includes check 60 ${tools}/check-includes ${PROJECT_SOURCE_DIR})
weft_add_check(check.headers check 120 ${tools}/check-headers ${PROJECT_SOURCE_DIR})
weft_add_check(check.alloc check 60 ${tools}/check-alloc ${PROJECT_SOURCE_DIR})
weft_add_check(check.docs check 60 ${tools}/check-docs ${PROJECT_SOURCE_DIR})
weft_add_check(check.readme check 60 ${tools}/check-readme ${PROJECT_SOURCE_DIR})
weft_add_check(check.symbols.weft check 60
    ${tools}/check-symbols $<TARGET_FILE:weft> weft_ WEFT_0)
if(TARGET weft_http)
    weft_add_check(check.symbols.weft-http check 60
        ${tools}/check-symbols $<TARGET_FILE:weft_http> weft_http_ WEFT_HTTP_0)
endif()

# Each checker must find a violation that is planted for it.
foreach(name IN ITEMS
        include-upward include-upward-public include-sideways include-circle include-module-circle
        include-uv include-internal header-alone header-cxx alloc docs-thread docs-none
        readme-code readme-link
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
    weft_add_check(model.${name} model ${WEFT_TEST_LONG_TIMEOUT} ${tools}/test-model ${model})
endforeach()

# The few kinds of targets that this tree has. Each function takes a name and
# sources and is called by the folders' CMakeLists.txt.

# Sources of one or more folders below the caller's, none included by accident.
function(weft_glob out)
    set(found)
    foreach(pattern IN LISTS ARGN)
        file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${pattern}")
        list(APPEND found ${files})
    endforeach()
    set(${out} ${found} PARENT_SCOPE)
endfunction()

# weft_add_library(weft MAP weft.map SOURCES ... [PRIVATE_INCLUDES ...] [LINK ...] [OBJECTS ...])
# Compiles the sources once and makes lib<name>.so.0 and lib<name>.a of them; the
# targets are <target> and <target>_static. LINK goes to the shared library
# privately and to the users of the static one.
function(weft_add_library target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "NAME;MAP" "SOURCES;PRIVATE_INCLUDES;LINK;PUBLIC_LINK;OBJECTS")

    add_library(${target}_objects OBJECT ${arg_SOURCES})
    target_include_directories(${target}_objects
        PUBLIC ${PROJECT_SOURCE_DIR}/include PRIVATE ${arg_PRIVATE_INCLUDES})
    target_compile_definitions(${target}_objects PRIVATE WEFT_BUILDING=1)
    target_compile_options(${target}_objects PRIVATE
        "$<$<COMPILE_LANGUAGE:C>:-fvisibility=hidden;-ftls-model=initial-exec;-fno-semantic-interposition;-fno-plt>")
    target_link_libraries(${target}_objects PRIVATE ${arg_LINK} ${arg_PUBLIC_LINK} ${arg_OBJECTS})
    if(WEFT_LTO)
        # Fat objects, so that the static library can be linked by anybody.
        target_compile_options(${target}_objects PRIVATE
            "$<$<COMPILE_LANGUAGE:C>:-flto=auto;-ffat-lto-objects>")
    endif()

    set(objects $<TARGET_OBJECTS:${target}_objects>)
    foreach(object IN LISTS arg_OBJECTS)
        list(APPEND objects $<TARGET_OBJECTS:${object}>)
    endforeach()

    set(map "${CMAKE_CURRENT_SOURCE_DIR}/${arg_MAP}")
    add_library(${target} SHARED ${objects})
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME ${arg_NAME}
        VERSION 0.${PROJECT_VERSION_MINOR}.${PROJECT_VERSION_PATCH}
        SOVERSION 0
        LINK_DEPENDS ${map})
    target_link_options(${target} PRIVATE "-Wl,--version-script=${map}" -Wl,-Bsymbolic-functions)
    if(WEFT_LTO)
        target_link_options(${target} PRIVATE -flto=auto -O2)
    endif()
    target_link_libraries(${target} PUBLIC ${arg_PUBLIC_LINK} PRIVATE ${arg_LINK})

    add_library(${target}_static STATIC ${objects})
    set_target_properties(${target}_static PROPERTIES OUTPUT_NAME ${arg_NAME})
    set(static_public_link)
    foreach(library IN LISTS arg_PUBLIC_LINK)
        list(APPEND static_public_link ${library}_static)
    endforeach()
    target_link_libraries(${target}_static PUBLIC ${static_public_link} PRIVATE ${arg_LINK})

    foreach(kind IN ITEMS ${target} ${target}_static)
        set_target_properties(${kind} PROPERTIES
            LINKER_LANGUAGE C
            LIBRARY_OUTPUT_DIRECTORY ${WEFT_LIB_DIR}
            ARCHIVE_OUTPUT_DIRECTORY ${WEFT_LIB_DIR})
        target_include_directories(${kind} PUBLIC
            $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    endforeach()
endfunction()

# A program: jemalloc is linked here, into the executable, because brought by a
# library it is searched after libc and has no effect. It is linked by force,
# because a program need not name malloc itself and the linker would drop it.
function(weft_add_program target)
    add_executable(${target} ${ARGN})
    if(WEFT_LTO)
        # Else each program with the static library in it would optimise all of that anew.
        target_link_options(${target} PRIVATE -fno-lto)
    endif()
    if(JEMALLOC_FOUND)
        target_link_options(${target} PRIVATE
            LINKER:--push-state,--no-as-needed ${JEMALLOC_LINK_LIBRARIES} LINKER:--pop-state)
    endif()
    set_target_properties(${target} PROPERTIES
        LINKER_LANGUAGE C
        INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
endfunction()

# A service module: an .so without "lib" that weftd loads; it names only the
# public API, so what it leaves open is found in the libraries it links.
function(weft_add_module target)
    add_library(${target} MODULE ${ARGN})
    set_target_properties(${target} PROPERTIES
        PREFIX ""
        C_VISIBILITY_PRESET hidden
        LIBRARY_OUTPUT_DIRECTORY ${WEFT_MODULE_DIR}
        # Not $ORIGIN: the worker loads a module by its descriptor, so that is /proc/self/fd.
        INSTALL_RPATH "${CMAKE_INSTALL_FULL_LIBDIR}")
    target_link_libraries(${target} PRIVATE weft)
endfunction()

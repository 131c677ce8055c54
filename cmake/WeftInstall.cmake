# Installing, pkg-config and find_package(weft). The same .pc files are written
# once for the build tree, so that a module can be compiled against it by
#   PKG_CONFIG_PATH=build/release/lib/pkgconfig pkg-config --cflags --libs weft
include(CMakePackageConfigHelpers)

set(pc_version ${PROJECT_VERSION})
foreach(name weft weft-http)
    set(pc_prefix ${CMAKE_INSTALL_PREFIX})
    set(pc_includedir ${CMAKE_INSTALL_FULL_INCLUDEDIR})
    set(pc_libdir ${CMAKE_INSTALL_FULL_LIBDIR})
    set(pc_moduledir ${CMAKE_INSTALL_FULL_LIBDIR}/weft)
    set(pc_rpath)
    configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in
                   ${PROJECT_BINARY_DIR}/install/${name}.pc @ONLY)
    set(pc_prefix ${PROJECT_SOURCE_DIR})
    set(pc_includedir ${PROJECT_SOURCE_DIR}/include)
    set(pc_libdir ${WEFT_LIB_DIR})
    set(pc_moduledir ${WEFT_MODULE_DIR})
    set(pc_rpath " -Wl,-rpath,${WEFT_LIB_DIR}")
    configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in
                   ${WEFT_LIB_DIR}/pkgconfig/${name}.pc @ONLY)
endforeach()

if(NOT TARGET weft)
    return()
endif()

set(libraries weft weft_static)
set(pc_files ${PROJECT_BINARY_DIR}/install/weft.pc)
if(TARGET weft_http)
    list(APPEND libraries weft_http weft_http_static)
    list(APPEND pc_files ${PROJECT_BINARY_DIR}/install/weft-http.pc)
endif()
set_target_properties(weft PROPERTIES EXPORT_NAME weft)
set_target_properties(weft_static PROPERTIES EXPORT_NAME static)
if(TARGET weft_http)
    set_target_properties(weft_http PROPERTIES EXPORT_NAME http)
    set_target_properties(weft_http_static PROPERTIES EXPORT_NAME http_static)
endif()

install(TARGETS ${libraries} EXPORT weft-targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
# Without its development link: nobody links it, libweft loads it by its soname.
if(TARGET weft_debug)
    install(TARGETS weft_debug LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_SKIP)
endif()
foreach(program weftd weft-worker weftctl weft-load)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endforeach()
get_property(modules GLOBAL PROPERTY WEFT_MODULES)
if(modules)
    install(TARGETS ${modules} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/weft)
endif()
# gdb loads it with the library, whose full name it carries (GDB's manual, "objfile-gdbdotext file").
get_target_property(full_version weft VERSION)
install(FILES ${PROJECT_SOURCE_DIR}/share/gdb/libweft-gdb.py DESTINATION ${CMAKE_INSTALL_LIBDIR}
        RENAME libweft.so.${full_version}-gdb.py)
configure_file(${PROJECT_SOURCE_DIR}/share/gdb/libweft-gdb.py
               ${WEFT_LIB_DIR}/libweft.so.${full_version}-gdb.py COPYONLY)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/weft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(FILES ${pc_files} DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
configure_package_config_file(
    ${PROJECT_SOURCE_DIR}/cmake/weft-config.cmake.in
    ${WEFT_LIB_DIR}/cmake/weft/weft-config.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(
    ${WEFT_LIB_DIR}/cmake/weft/weft-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${WEFT_LIB_DIR}/cmake/weft/weft-config.cmake
              ${WEFT_LIB_DIR}/cmake/weft/weft-config-version.cmake
        DESTINATION ${config_dir})
install(EXPORT weft-targets NAMESPACE weft:: DESTINATION ${config_dir})
export(EXPORT weft-targets NAMESPACE weft:: FILE ${WEFT_LIB_DIR}/cmake/weft/weft-targets.cmake)

if(EXISTS ${PROJECT_SOURCE_DIR}/config/weft.yaml)
    install(FILES ${PROJECT_SOURCE_DIR}/config/weft.yaml
            DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/weft)
endif()

# The unit names where the programs and the configuration are after this install.
if(TARGET weftd)
    file(READ ${PROJECT_SOURCE_DIR}/systemd/weftd.service unit)
    string(REPLACE "/usr/bin/" "${CMAKE_INSTALL_FULL_BINDIR}/" unit "${unit}")
    string(REPLACE "/etc/weft/" "${CMAKE_INSTALL_FULL_SYSCONFDIR}/weft/" unit "${unit}")
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/install/weftd.service CONTENT "${unit}" @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/install/weftd.service DESTINATION lib/systemd/system)
    install(FILES ${PROJECT_SOURCE_DIR}/systemd/weft.sysusers
            DESTINATION lib/sysusers.d RENAME weft.conf)
endif()

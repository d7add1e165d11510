# Installs the libraries with what a user's find_package(xebec) needs.

include(CMakePackageConfigHelpers)

install(TARGETS xebec_protocol xebec_runtime xebec_client_core xebec_client xebec_worker_core
        xebec_worker
    EXPORT xebec
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    FILE_SET HEADERS)
install(EXPORT xebec NAMESPACE xebec:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/xebec
    FILE xebecTargets.cmake)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/xebecConfig.cmake.in
    ${PROJECT_BINARY_DIR}/xebecConfig.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/xebec)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/xebecConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/xebecConfig.cmake ${PROJECT_BINARY_DIR}/xebecConfigVersion.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/xebec)

# SPDX-License-Identifier: Apache-2.0
# The installable library espalier::espalier (all folders but the bridge in one archive), the
# example that uses it, and the tests that its headers and its package hold up.

add_library(espalier STATIC)
set_target_properties(espalier PROPERTIES LINKER_LANGUAGE CXX)
foreach(folder core kernels layers losses optimizers metrics network inference training files import export)
  get_target_property(type espalier_${folder} TYPE)
  if(type STREQUAL STATIC_LIBRARY)
    target_sources(espalier PRIVATE $<TARGET_OBJECTS:espalier_${folder}>)
  endif()
endforeach()
target_compile_features(espalier PUBLIC cxx_std_20)
target_link_libraries(espalier PUBLIC Threads::Threads ${CMAKE_DL_LIBS})
target_include_directories(espalier INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
add_library(espalier::espalier ALIAS espalier)

include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/Espalier)
configure_package_config_file(cmake/EspalierConfig.cmake.in ${CMAKE_BINARY_DIR}/EspalierConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/EspalierConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(TARGETS espalier EXPORT EspalierTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT EspalierTargets NAMESPACE espalier:: DESTINATION ${package_folder})
install(DIRECTORY include/espalier DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${CMAKE_BINARY_DIR}/EspalierConfig.cmake ${CMAKE_BINARY_DIR}/EspalierConfigVersion.cmake
  DESTINATION ${package_folder})

if(NOT ESPALIER_TESTS OR NOT EXISTS ${CMAKE_SOURCE_DIR}/cpp/example/transfer.cc)
  return()
endif()

add_subdirectory(cpp/example)

# Each public header alone, and twice, without cpp/ in the include path.
file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/include include/espalier/*.h)
foreach(header ${headers})
  string(MAKE_C_IDENTIFIER ${header} unit)
  file(CONFIGURE OUTPUT public_headers/${unit}.cc
    CONTENT "#include <@header@>\n#include <@header@>\n" @ONLY)
  list(APPEND units ${CMAKE_CURRENT_BINARY_DIR}/public_headers/${unit}.cc)
endforeach()
add_library(public_headers OBJECT ${units})
set_target_properties(public_headers PROPERTIES INCLUDE_DIRECTORIES ${CMAKE_SOURCE_DIR}/include)
add_test(NAME public_headers
  COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target public_headers)

# A stranger's project: find_package(Espalier) from an install prefix.
add_test(NAME installed_package
  COMMAND ${CMAKE_COMMAND} -DBUILD=${CMAKE_BINARY_DIR} -DPROJECT=${CMAKE_SOURCE_DIR}/cpp/example
    -DCOMPILER=${CMAKE_CXX_COMPILER} -DGENERATOR=${CMAKE_GENERATOR} -DSANITIZE=${ESPALIER_SANITIZE}
    -P ${CMAKE_SOURCE_DIR}/cmake/installed_package_test.cmake)
set_tests_properties(installed_package PROPERTIES TIMEOUT 600)

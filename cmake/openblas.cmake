# SPDX-License-Identifier: Apache-2.0
# Where tests and benchmarks find OpenBLAS, as ESPALIER_OPENBLAS in their code: the library of the
# jar that the Java API uses. The core itself is told a path at run time and never links it.

set(ESPALIER_OPENBLAS "" CACHE FILEPATH
  "libopenblas.so, or bytedeco's jar with it; by default the jar in Maven's local repository")

set(espalier_openblas ${ESPALIER_OPENBLAS})
if(NOT espalier_openblas)
  file(STRINGS pom.xml version REGEX "<openblas.version>")
  string(REGEX REPLACE ".*<openblas.version>(.*)</openblas.version>.*" "\\1" version "${version}")
  set(espalier_openblas
    $ENV{HOME}/.m2/repository/org/bytedeco/openblas/${version}/openblas-${version}-linux-x86_64.jar)
endif()
if(espalier_openblas MATCHES "\\.jar$" AND EXISTS ${espalier_openblas})
  if(NOT EXISTS ${CMAKE_BINARY_DIR}/openblas/org)
    file(ARCHIVE_EXTRACT INPUT ${espalier_openblas} DESTINATION ${CMAKE_BINARY_DIR}/openblas
      PATTERNS */libopenblas.so.0 */libgfortran.so* */libquadmath.so* */libgcc_s.so*)
  endif()
  set(espalier_openblas ${CMAKE_BINARY_DIR}/openblas/org/bytedeco/openblas/linux-x86_64/libopenblas.so.0)
endif()

add_library(espalier_openblas INTERFACE)
if(EXISTS ${espalier_openblas})
  target_compile_definitions(espalier_openblas INTERFACE ESPALIER_OPENBLAS="${espalier_openblas}")
endif()
message(STATUS "OpenBLAS for tests and benchmarks: ${espalier_openblas}")

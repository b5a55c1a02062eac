# SPDX-License-Identifier: Apache-2.0
# libjniEspalier.so: the bridge and the JNI functions that JavaCPP wrote, needing nothing but
# the C library. Maven drives this (java/core/pom.xml).

# Copies, because they change only when their content does: JavaCPP rewrites its files each time.
foreach(source jniEspalier.cpp jnijavacpp.cpp)
  configure_file(${ESPALIER_JNI_SOURCES}/${source} ${CMAKE_BINARY_DIR}/jni/${source} COPYONLY)
  list(APPEND jni_sources ${CMAKE_BINARY_DIR}/jni/${source})
endforeach()

add_library(jniEspalier SHARED ${jni_sources})
target_include_directories(jniEspalier SYSTEM PRIVATE
  ${ESPALIER_JAVA_HOME}/include ${ESPALIER_JAVA_HOME}/include/linux)
target_link_libraries(jniEspalier PRIVATE espalier_jvm)
target_compile_options(jniEspalier PRIVATE -w)  # generated: its warnings are not ours to mend
target_link_options(jniEspalier PRIVATE
  -static-libstdc++ -static-libgcc
  # cpp/jvm/older_glibc.cc
  -Wl,--wrap=__isoc23_strtol,--wrap=__isoc23_strtoll,--wrap=__isoc23_strtoul,--wrap=__isoc23_strtoull
  -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs -Wl,--gc-sections -Wl,--strip-all
  -Wl,--version-script=${CMAKE_SOURCE_DIR}/cpp/jvm/exports.map)
set_target_properties(jniEspalier PROPERTIES
  LIBRARY_OUTPUT_DIRECTORY ${ESPALIER_JNI_OUTPUT}
  LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cpp/jvm/exports.map)

# What ParityTest.java compares the Java API with.
add_executable(parity ${CMAKE_SOURCE_DIR}/cpp/example/parity.cc)
target_link_libraries(parity PRIVATE espalier::espalier)

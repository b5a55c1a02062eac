# SPDX-License-Identifier: Apache-2.0
# libjniEspalier.so: the bridge and the JNI functions that JavaCPP wrote, needing nothing but
# the C library, and a key that tells builds of it apart. Maven drives this (java/core/pom.xml).

include(cmake/sorted_functions.cmake)

add_library(jniEspalier SHARED ${CMAKE_SOURCE_DIR}/cpp/jvm/library/jni_library.cc)
target_include_directories(jniEspalier SYSTEM PRIVATE
  ${CMAKE_BINARY_DIR}/jni ${ESPALIER_JAVA_HOME}/include ${ESPALIER_JAVA_HOME}/include/linux)
target_link_libraries(jniEspalier PRIVATE espalier_jvm)
target_compile_options(jniEspalier PRIVATE -w)  # generated: its warnings are not ours to mend
# Sanitizers have such functions of their own, beside which the linker leaves calls without a target.
if(NOT ESPALIER_SANITIZE)
  target_sources(jniEspalier PRIVATE ${CMAKE_SOURCE_DIR}/cpp/jvm/library/older_glibc.cc)
  # Its functions, and what they are parts of in an older C library.
  foreach(function
      __isoc23_strtol __isoc23_strtoll __isoc23_strtoul __isoc23_strtoull exp log pow
      pthread_create pthread_once __pthread_key_create pthread_getattr_np pthread_attr_getstack
      dlopen dlsym fstatat stat lstat fstat fstat64 __libc_single_threaded _dl_find_object)
    list(APPEND older_glibc -Wl,--wrap=${function})
  endforeach()
endif()
target_link_libraries(jniEspalier PRIVATE -Wl,--no-as-needed -l:libpthread.so.0 -l:libdl.so.2)

target_link_options(jniEspalier PRIVATE
  -static-libstdc++ -static-libgcc
  ${older_glibc}
  -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs -Wl,--gc-sections -Wl,--strip-all
  # Sleeping workers outlive the class loader that loaded the library.
  -Wl,-z,nodelete
  -Wl,--version-script=${CMAKE_SOURCE_DIR}/cpp/jvm/exports.map)
set_target_properties(jniEspalier PROPERTIES
  LIBRARY_OUTPUT_DIRECTORY ${ESPALIER_JNI_OUTPUT}
  LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cpp/jvm/exports.map)

add_custom_command(TARGET jniEspalier POST_BUILD VERBATIM COMMAND
  ${CMAKE_COMMAND} -DLIBRARY=$<TARGET_FILE:jniEspalier> -P ${CMAKE_SOURCE_DIR}/cmake/build_key.cmake)

# What ParityTest.java compares the Java API with.
add_executable(parity ${CMAKE_SOURCE_DIR}/cpp/example/parity.cc)
target_link_libraries(parity PRIVATE espalier::espalier)

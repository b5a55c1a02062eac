# SPDX-License-Identifier: Apache-2.0
# Toolchain: builds for 64-bit ARM and runs the tests on an emulated CPU (Debian:
# g++-aarch64-linux-gnu, qemu-user). `ci/check neon` and `ci/release` use it.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
# Another version of the compiler has false alarms of its own; the build for x86-64 is held to them.
set(CMAKE_COMPILE_WARNING_AS_ERROR OFF)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

# Libraries that are headers alone are those of this machine, in a folder without its others.
get_property(is_trial GLOBAL PROPERTY IN_TRY_COMPILE)
if(NOT is_trial)
  foreach(library hwy nlohmann protozero flatbuffers)
    file(COPY /usr/include/${library} DESTINATION ${CMAKE_BINARY_DIR}/headers/include)
  endforeach()
  file(COPY /usr/share/cmake/nlohmann_json DESTINATION ${CMAKE_BINARY_DIR}/headers/share/cmake)
  list(PREPEND CMAKE_PREFIX_PATH ${CMAKE_BINARY_DIR}/headers)
  # Their assertions name their files, by one name in whatever folder this is (ccache has it relative).
  add_compile_options("-ffile-prefix-map=${CMAKE_BINARY_DIR}/headers=/usr" -ffile-prefix-map=headers=/usr)
endif()

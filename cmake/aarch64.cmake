# SPDX-License-Identifier: Apache-2.0
# Toolchain: builds for 64-bit ARM and runs the tests on an emulated CPU (Debian:
# g++-aarch64-linux-gnu, qemu-user). `ci/check neon` uses it.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

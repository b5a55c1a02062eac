# SPDX-License-Identifier: Apache-2.0
# Writes what tells builds of LIBRARY apart, "SHA-256-bytes", beside it:
#   cmake -DLIBRARY=FILE -P build_key.cmake
file(SHA256 "${LIBRARY}" hash)
file(SIZE "${LIBRARY}" bytes)
file(WRITE "${LIBRARY}.build" "${hash}-${bytes}")

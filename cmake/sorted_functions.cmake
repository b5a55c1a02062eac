# SPDX-License-Identifier: Apache-2.0
# jni/jniEspalier.cpp of the build: what JavaCPP wrote, in an order that is always the same.

# JavaCPP writes the functions in the order in which a JVM happens to list methods. Sorted, the same
# sources give the same bytes; and only a change of what is declared compiles them again.
file(READ ${ESPALIER_JNI_SOURCES}/jniEspalier.cpp functions)
if(NOT functions MATCHES "\n\n}\n*$")
  message(FATAL_ERROR "jniEspalier.cpp: expected the end of extern \"C\" after the last function")
endif()
string(REGEX REPLACE "\n\n}\n*$" "" functions "${functions}")
# What a list of CMake would not take for text.
string(ASCII 1 semicolon)
string(ASCII 2 opening)
string(ASCII 3 closing)
string(REPLACE ";" "${semicolon}" functions "${functions}")
string(REPLACE "[" "${opening}" functions "${functions}")
string(REPLACE "]" "${closing}" functions "${functions}")
string(REGEX REPLACE "\n(JNIEXPORT [A-Za-z]+ JNICALL Java_)" ";\\1" functions "${functions}")
list(POP_FRONT functions beginning)
list(SORT functions)
list(PREPEND functions "${beginning}")
list(JOIN functions "\n" functions)
string(REPLACE "${semicolon}" ";" functions "${functions}")
string(REPLACE "${opening}" "[" functions "${functions}")
string(REPLACE "${closing}" "]" functions "${functions}")
file(CONFIGURE OUTPUT jni/jniEspalier.cpp CONTENT "${functions}\n\n}\n" @ONLY)

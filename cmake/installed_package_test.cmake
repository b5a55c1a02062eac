# SPDX-License-Identifier: Apache-2.0
# Installs BUILD into an empty prefix, then builds PROJECT against that prefix and runs it.

set(prefix ${BUILD}/installed_package/prefix)
set(consumer ${BUILD}/installed_package/build)
file(REMOVE_RECURSE ${BUILD}/installed_package)
set(flags "")
if(SANITIZE)
  set(flags "-fsanitize=${SANITIZE}")
endif()

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
run(${CMAKE_COMMAND} -S ${PROJECT} -B ${consumer} -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${prefix}
  -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_FLAGS=${flags} -DCMAKE_BUILD_TYPE=Release)
run(${CMAKE_COMMAND} --build ${consumer})
run(${consumer}/espalier_example)

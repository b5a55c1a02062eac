// SPDX-License-Identifier: Apache-2.0
#pragma once

// The only catch-all of the library: what may reach Java is espalier::Error.

#include <exception>
#include <new>
#include <utility>

#include "espalier/error.h"

namespace espalier::jvm {

/// Runs `body`; any exception leaves as an Error: no memory as OUT_OF_MEMORY, whatever the
/// library does not throw on purpose as INTERNAL.
template <typename Body>
decltype(auto) Guard(Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kOutOfMemory, "the system has no memory left");
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kInternal, error.what());
  } catch (...) {
    throw Error(ErrorCode::kInternal, "an exception of unknown type");
  }
}

}  // namespace espalier::jvm

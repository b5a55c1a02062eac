// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace espalier {

/// Threads that one call may use, the caller's included; 1 to 256. Results have the
/// same bits for any number. Takes effect for plans made afterwards and for running ones
/// between calls. Initially the number of CPUs that this process may run on.
void SetThreadCount(int threads);
int ThreadCount();

/// The instruction set in use: "baseline", "avx2", "avx512" or "neon". The environment
/// variable ESPALIER_CPU forces one; an unknown or unsupported name makes every call that
/// computes throw INVALID_ARGUMENT.
std::string CpuTarget();

/// Native memory of tensors, plans and caches: bytes now, and the most there may be.
std::int64_t NativeBytes();
std::int64_t NativeBytesBudget();
void SetNativeBytesBudget(std::int64_t bytes);

/// An OpenBLAS library that training may use where it is faster; opened when first wanted.
/// Empty: none. One that cannot be opened counts as none.
void SetOpenBlasPath(const std::string& path);

/// A line on CPU target, threads and memory, for people.
std::string DescribeRuntime();

}  // namespace espalier

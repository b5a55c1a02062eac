// SPDX-License-Identifier: Apache-2.0
#pragma once

// ESPALIER_SANITIZED is defined where the address or the thread sanitizer watches: these bring an
// allocator of their own.

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ESPALIER_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define ESPALIER_SANITIZED 1
#endif
#endif

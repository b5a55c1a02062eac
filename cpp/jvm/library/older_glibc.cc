// SPDX-License-Identifier: Apache-2.0

// What the jar's library would ask of newer C libraries than glibc 2.28, in terms of what that one
// has already: it loads on RHEL 8, Debian 10, Ubuntu 20.04 and whatever came later. The library is
// linked with --wrap for each function here (cmake/jni.cmake), so that calls from the static C++
// runtime come here, too. Each note says since when glibc has the version that is avoided.
// ci/packaging looks at what is left.

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

// The oldest version of everything that this CPU's glibc has.
#if defined(__x86_64__)
#define ESPALIER_FIRST_GLIBC "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define ESPALIER_FIRST_GLIBC "GLIBC_2.17"
#else
#error "expected x86-64 or 64-bit ARM: say which version of glibc was the first for this CPU"
#endif

#define ESPALIER_FIRST_VERSION(name) \
  __asm__(".symver First_" #name ", " #name "@" ESPALIER_FIRST_GLIBC)

extern "C" {

// 2.38: headers turn strtol into a function that reads "0b1", too.
long First_strtol(const char* text, char** end, int base) noexcept;
long long First_strtoll(const char* text, char** end, int base) noexcept;
unsigned long First_strtoul(const char* text, char** end, int base) noexcept;
unsigned long long First_strtoull(const char* text, char** end, int base) noexcept;
ESPALIER_FIRST_VERSION(strtol);
ESPALIER_FIRST_VERSION(strtoll);
ESPALIER_FIRST_VERSION(strtoul);
ESPALIER_FIRST_VERSION(strtoull);

long __wrap___isoc23_strtol(const char* text, char** end, int base) {
  return First_strtol(text, end, base);
}
long long __wrap___isoc23_strtoll(const char* text, char** end, int base) {
  return First_strtoll(text, end, base);
}
unsigned long __wrap___isoc23_strtoul(const char* text, char** end, int base) {
  return First_strtoul(text, end, base);
}
unsigned long long __wrap___isoc23_strtoull(const char* text, char** end, int base) {
  return First_strtoull(text, end, base);
}

// 2.29: no longer call a handler of errors of System V. The values are the same bits.
double First_exp(double x);
double First_log(double x);
double First_pow(double x, double y);
ESPALIER_FIRST_VERSION(exp);
ESPALIER_FIRST_VERSION(log);
ESPALIER_FIRST_VERSION(pow);

double __wrap_exp(double x) { return First_exp(x); }
double __wrap_log(double x) { return First_log(x); }
double __wrap_pow(double x, double y) { return First_pow(x, y); }

// 2.32 to 2.34: libpthread and libdl became parts of libc.
int First_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                         void* argument);
int First_pthread_once(pthread_once_t* once, void (*run)());
int First___pthread_key_create(pthread_key_t* key, void (*destroy)(void*));
int First_pthread_getattr_np(pthread_t thread, pthread_attr_t* attributes);
int First_pthread_attr_getstack(const pthread_attr_t* attributes, void** address,
                                std::size_t* bytes);
void* First_dlopen(const char* file, int mode);
void* First_dlsym(void* handle, const char* name);
ESPALIER_FIRST_VERSION(pthread_create);
ESPALIER_FIRST_VERSION(pthread_once);
ESPALIER_FIRST_VERSION(__pthread_key_create);
ESPALIER_FIRST_VERSION(pthread_getattr_np);
ESPALIER_FIRST_VERSION(pthread_attr_getstack);
ESPALIER_FIRST_VERSION(dlopen);
ESPALIER_FIRST_VERSION(dlsym);

int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                          void* argument) {
  return First_pthread_create(thread, attributes, run, argument);
}
int __wrap_pthread_once(pthread_once_t* once, void (*run)()) {
  return First_pthread_once(once, run);
}
int __wrap___pthread_key_create(pthread_key_t* key, void (*destroy)(void*)) {
  return First___pthread_key_create(key, destroy);
}
int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t* attributes) {
  return First_pthread_getattr_np(thread, attributes);
}
int __wrap_pthread_attr_getstack(const pthread_attr_t* attributes, void** address,
                                 std::size_t* bytes) {
  return First_pthread_attr_getstack(attributes, address, bytes);
}
void* __wrap_dlopen(const char* file, int mode) { return First_dlopen(file, mode); }
void* __wrap_dlsym(void* handle, const char* name) { return First_dlsym(handle, name); }

// 2.33: were inline functions over others, which programs can no longer link. On 64-bit Linux the
// kernel fills in the C library's own structure.
int __wrap_fstatat(int folder, const char* path, struct stat* status, int flags) {
  return static_cast<int>(syscall(SYS_newfstatat, folder, path, status, flags));
}
int __wrap_stat(const char* path, struct stat* status) {
  return __wrap_fstatat(AT_FDCWD, path, status, 0);
}
int __wrap_lstat(const char* path, struct stat* status) {
  return __wrap_fstatat(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}
int __wrap_fstat(int file, struct stat* status) {
  return static_cast<int>(syscall(SYS_fstat, file, status));
}
int __wrap_fstat64(int file, struct stat64* status) {
  return static_cast<int>(syscall(SYS_fstat, file, status));
}

// 2.32: whether there is but one thread, so that counting may do without atomic instructions. A
// JVM has many.
extern char __wrap___libc_single_threaded;
char __wrap___libc_single_threaded = 0;

}  // extern "C"

// 2.35: how the static libgcc finds the tables of the function that an exception passes through.
// Older ones went through all objects, as this does.
namespace {

struct Search {
  std::uintptr_t address;
  dl_find_object* found;
};

int LookInto(dl_phdr_info* object, std::size_t, void* data) {
  auto* const search = static_cast<Search*>(data);
  bool is_here = false;
  std::uintptr_t first = UINTPTR_MAX;
  std::uintptr_t end = 0;
  void* tables = nullptr;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    const std::uintptr_t start = object->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD) {
      is_here |= search->address >= start && search->address - start < segment.p_memsz;
      first = start < first ? start : first;
      end = start + segment.p_memsz > end ? start + segment.p_memsz : end;
    } else if (segment.p_type == PT_GNU_EH_FRAME) {
      tables = reinterpret_cast<void*>(start);
    }
  }
  if (!is_here) return 0;
  if (tables == nullptr) return -1;
  *search->found = {};
  search->found->dlfo_map_start = reinterpret_cast<void*>(first);
  search->found->dlfo_map_end = reinterpret_cast<void*>(end);
  search->found->dlfo_eh_frame = tables;
  return 1;
}

}  // namespace

extern "C" int __wrap__dl_find_object(void* address, dl_find_object* result) {
  Search search{reinterpret_cast<std::uintptr_t>(address), result};
  return dl_iterate_phdr(LookInto, &search) == 1 ? 0 : -1;
}

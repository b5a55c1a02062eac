// SPDX-License-Identifier: Apache-2.0

// Headers of glibc 2.38 and newer turn strtol into __isoc23_strtol, which only reads "0b1" more;
// the static C++ runtime does too. The jar's library is linked with --wrap for these four
// (cmake/jni.cmake), so that it still loads on the distributions of 2022 and 2023.

extern "C" {

long PlainStrtol(const char* text, char** end, int base) noexcept __asm__("strtol");
long long PlainStrtoll(const char* text, char** end, int base) noexcept __asm__("strtoll");
unsigned long PlainStrtoul(const char* text, char** end, int base) noexcept __asm__("strtoul");
unsigned long long PlainStrtoull(const char* text, char** end, int base) noexcept
    __asm__("strtoull");

long __wrap___isoc23_strtol(const char* text, char** end, int base) {
  return PlainStrtol(text, end, base);
}

long long __wrap___isoc23_strtoll(const char* text, char** end, int base) {
  return PlainStrtoll(text, end, base);
}

unsigned long __wrap___isoc23_strtoul(const char* text, char** end, int base) {
  return PlainStrtoul(text, end, base);
}

unsigned long long __wrap___isoc23_strtoull(const char* text, char** end, int base) {
  return PlainStrtoull(text, end, base);
}

}  // extern "C"

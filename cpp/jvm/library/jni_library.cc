// SPDX-License-Identifier: Apache-2.0

// The JNI functions that JavaCPP wrote, without what it does when a library is loaded: it has
// its own loader and forty classes of pointers initialized, none of which the bridge uses.

#define JNI_OnLoad JavaCPP_OnLoad
#define JNI_OnUnload JavaCPP_OnUnload
#include "jniEspalier.cpp"
#undef JNI_OnLoad
#undef JNI_OnUnload

namespace {

// What the functions need to exchange text and to throw.
bool PrepareText(JNIEnv* environment) {
  const jclass charsets = environment->FindClass("java/nio/charset/StandardCharsets");
  if (charsets == nullptr) return false;
  const jfieldID utf8 =
      environment->GetStaticFieldID(charsets, "UTF_8", "Ljava/nio/charset/Charset;");
  if (utf8 == nullptr) return false;
  JavaCPP_stringBytesCharset =
      environment->NewGlobalRef(environment->GetStaticObjectField(charsets, utf8));
  const jclass text = environment->FindClass("java/lang/String");
  if (JavaCPP_stringBytesCharset == nullptr || text == nullptr) return false;
  JavaCPP_stringWithCharsetMID =
      environment->GetMethodID(text, "<init>", "([BLjava/nio/charset/Charset;)V");
  JavaCPP_getBytesWithCharsetMID =
      environment->GetMethodID(text, "getBytes", "(Ljava/nio/charset/Charset;)[B");
  return JavaCPP_stringWithCharsetMID != nullptr && JavaCPP_getBytesWithCharsetMID != nullptr;
}

JNIEnv* EnvironmentOf(JavaVM* machine) {
  void* environment = nullptr;
  return machine->GetEnv(&environment, JNI_VERSION_1_6) == JNI_OK
             ? static_cast<JNIEnv*>(environment)
             : nullptr;
}

}  // namespace

extern "C" JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM* machine, void*) {
  JNIEnv* const environment = EnvironmentOf(machine);
  return environment != nullptr && PrepareText(environment) ? JNI_VERSION_1_6 : JNI_ERR;
}

extern "C" JNIEXPORT void JNICALL JNI_OnUnload(JavaVM* machine, void*) {
  JNIEnv* const environment = EnvironmentOf(machine);
  if (environment == nullptr) return;
  environment->DeleteGlobalRef(JavaCPP_stringBytesCharset);
  for (jclass& known : JavaCPP_classes) {
    environment->DeleteWeakGlobalRef(known);
    known = nullptr;
  }
}

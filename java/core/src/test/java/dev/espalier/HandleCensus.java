// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * After each test class nothing native is left: no handle, no byte. JUnit finds this extension by
 * itself (META-INF/services, junit-platform.properties), so that no class can forget it. It does
 * not run the collector first: what is forgotten on purpose is awaited by the test that does so.
 */
public final class HandleCensus implements AfterAllCallback {
  @Override
  public void afterAll(ExtensionContext context) {
    requireNothingLeft(context.getDisplayName());
  }

  static void requireNothingLeft(String where) {
    assertEquals(0, Espalier.liveHandles(), () -> where + " leaves handles open");
    assertEquals(0, Espalier.nativeBytes(), () -> where + " leaves native memory");
  }
}

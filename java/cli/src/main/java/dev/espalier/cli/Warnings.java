// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** What libraries log: warnings, one line each, on standard error. */
final class Warnings extends Handler {
  private final SimpleFormatter formatter = new SimpleFormatter();

  private Warnings() {}

  /** Replaces the usual handlers, which write two lines with a date. */
  static void toStandardError() {
    Logger root = Logger.getLogger("");
    for (Handler handler : root.getHandlers()) {
      root.removeHandler(handler);
    }
    root.addHandler(new Warnings());
    root.setLevel(Level.WARNING);
  }

  @Override
  public void publish(LogRecord record) {
    System.err.println("warning: " + formatter.formatMessage(record));
  }

  @Override
  public void flush() {
    System.err.flush();
  }

  @Override
  public void close() {}
}

// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.AdaptationSetting;
import dev.espalier.EpochResult;
import dev.espalier.History;
import dev.espalier.StepResult;
import dev.espalier.TrainingListener;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Shows how training goes on: a bar for each thing tried on a terminal, elsewhere a line. */
final class TrainingProgress implements TrainingListener, AutoCloseable {
  private static final Path STANDARD_ERROR = Path.of("/proc/self/fd/2");
  private static final int UPDATE_MILLIS = 250;

  private final List<AdaptationSetting> settings;
  private final PrintWriter messages;
  private final boolean isTerminal = isTerminal();
  private int started;
  private ProgressBar bar;

  TrainingProgress(List<AdaptationSetting> settings, PrintWriter messages) {
    this.settings = settings;
    this.messages = messages;
  }

  private static boolean isTerminal() {
    try {
      String target = Files.readSymbolicLink(STANDARD_ERROR).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException none) {
      return false;
    }
  }

  @Override
  public void onStart(long epochs, long steps) {
    close();
    String title =
        String.format(
            "%d of %d: %s",
            started + 1,
            settings.size(),
            started < settings.size() ? settings.get(started).toString() : "");
    started++;
    if (isTerminal) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(title)
              .setInitialMax(steps)
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(UPDATE_MILLIS)
              .build();
    } else {
      messages.println("trying " + title);
    }
  }

  @Override
  public void onStep(StepResult step) {
    if (bar != null) {
      bar.step();
    }
  }

  @Override
  public void onEpoch(EpochResult epoch) {}

  @Override
  public void onEnd(History history) {
    close();
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}

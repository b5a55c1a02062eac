// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.EpochResult;
import dev.espalier.StepResult;
import dev.espalier.TrainingListener;
import java.util.concurrent.atomic.AtomicLong;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** One bar for all the training steps of a section, however many trainings share them. */
final class Progress implements TrainingListener, AutoCloseable {
  private final ProgressBar bar;
  private final AtomicLong done = new AtomicLong();

  Progress(String title, long steps) {
    bar =
        new ProgressBarBuilder()
            .setTaskName(title)
            .setInitialMax(steps)
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(1000)
            .build();
  }

  @Override
  public void onStep(StepResult step) {
    bar.stepTo(done.incrementAndGet());
  }

  @Override
  public void onEpoch(EpochResult epoch) {}

  @Override
  public void close() {
    bar.stepTo(bar.getMax());
    bar.close();
  }
}

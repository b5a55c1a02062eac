// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.History;
import java.nio.file.CopyOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.Objects;

/**
 * Writes learning curves for other programs: spreadsheets, scripts, TensorBoard. A {@link Report}
 * shows them to people.
 *
 * <p>Columns and tags have the names {@code loss}, {@code loss.TASK} and {@code learning_rate} of
 * training, and {@code validation.loss}, {@code validation.TASK.METRIC} and {@code
 * validation.TASK.LABEL.METRIC} of the validation data, if there were any; metrics have the names
 * of {@link dev.espalier.Metric}.
 *
 * @since 0.1
 */
public final class Histories {
  private Histories() {}

  /**
   * Returns a history as CSV: a header, then a line for each epoch. Undefined and absent values are
   * empty.
   *
   * @param history of a training
   * @return columns {@code epoch} (from 0), {@code stage}, {@code steps} (of all epochs up to it),
   *     {@code seconds} (of the epoch), {@code is_best}, then those named above; lines end with CR
   *     LF, and texts with comma, quote or line end are quoted. Source: RFC 4180
   */
  public static String csv(History history) {
    return HistoryCsv.of(Objects.requireNonNull(history, "history"));
  }

  /**
   * Writes {@link #csv} to a file.
   *
   * @param history of a training
   * @param file a new file in a folder that exists
   * @param options {@link StandardCopyOption#REPLACE_EXISTING} to write over a file, or none
   * @throws java.io.UncheckedIOException if the file exists already, or cannot be written
   * @throws IllegalArgumentException if there is another option
   */
  public static void writeCsv(History history, Path file, CopyOption... options) {
    Objects.requireNonNull(file, "file");
    NewFile.write(file, csv(history), options);
  }

  /**
   * Writes a history for TensorBoard, as scalars, into a file of a new name: {@code tensorboard
   * --logdir FOLDER} shows it. A folder has one run; runs to be compared have folders side by side.
   * Dots of the names above are slashes here, by which TensorBoard groups. What is not defined is
   * left out.
   *
   * <p>Steps are those of training, counted from its start. The last epoch has the time of now, the
   * others as much before as they took.
   *
   * @param history of a training
   * @param folder made if it does not exist
   * @return the file, {@code events.out.tfevents.…}
   * @throws java.io.UncheckedIOException if it cannot be written
   */
  public static Path writeTensorBoard(History history, Path folder) {
    Objects.requireNonNull(history, "history");
    Objects.requireNonNull(folder, "folder");
    return TensorBoardFile.write(history, folder, Instant.now());
  }
}

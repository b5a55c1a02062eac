// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.data.Augmentation;
import dev.espalier.data.PictureDataset;
import dev.espalier.data.PictureOptions;
import dev.espalier.data.PictureReader;
import dev.espalier.data.Table;
import java.io.PrintWriter;

/** Pictures as inputs. */
final class PictureInputs implements InputReader {
  /** Of the heap, for what was decoded of each part: training, validation, test. */
  private static final int HEAP_SHARE = 8;

  private final PictureReader reader;
  private final Examples examples;
  private final PrintWriter messages;
  private int mayBeBroken;

  /** How many pictures may be broken, and where they are named. */
  record Limits(int mayBeBroken, PrintWriter messages) {}

  PictureInputs(PictureReader reader, Examples examples, Limits limits) {
    this.reader = reader;
    this.examples = examples;
    mayBeBroken = limits.mayBeBroken();
    messages = limits.messages();
  }

  @Override
  public Dataset dataset(Table rows) {
    PictureOptions options =
        PictureOptions.defaults()
            .skipBroken(mayBeBroken)
            .cacheBudget(Runtime.getRuntime().maxMemory() / HEAP_SHARE);
    PictureDataset pictures = read(rows, options);
    mayBeBroken -= pictures.broken().size();
    pictures.broken().forEach(broken -> messages.println("left out: " + broken));
    return pictures;
  }

  private PictureDataset read(Table rows, PictureOptions options) {
    try {
      return PictureDataset.of(reader, rows, examples.column(), examples.folder(), options);
    } catch (IllegalArgumentException error) {
      throw new CommandFailure(
          error.getMessage().replace("(PictureOptions.skipBroken)", "(--skip-broken)"), error);
    }
  }

  /** Returns pictures changed a little at random in each epoch of training: see --augment. */
  Dataset augmented(Dataset training, long seed) {
    return Augmentation.of(reader)
        .flipHorizontally()
        .rotate(10)
        .cropResize(0.7)
        .brightness(0.2)
        .contrast(0.2)
        .apply(training, seed);
  }

  @Override
  public void storeIn(Network network) {
    reader.storeIn(network);
  }

  @Override
  public Shape shape() {
    return reader.inputShape();
  }

  @Override
  public String words() {
    return reader.toString();
  }
}

// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeHandle;
import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;

/** What the layers of one fingerprint compute from one root data set, as far as known. */
final class KeptFeatures implements AutoCloseable {
  private final NativeHandle features;
  private final Prefix prefix;
  private final int size;
  private final long exampleBytes;
  private final BitSet hasRoom = new BitSet();
  private final BitSet isFilled = new BitSet();
  private final ContentIndex computed = new ContentIndex();

  /** Makes room for nothing yet; an empty folder is none. */
  KeptFeatures(int size, Prefix prefix, String folder) {
    this.size = size;
    this.prefix = prefix;
    exampleBytes = Float.BYTES * prefix.featureCount();
    features =
        NativeHandle.create(
            () -> Bridge.featuresCreate(size, prefix.featureCount(), prefix.fingerprint(), folder));
  }

  /** Layers: what tells them apart, and how many features they compute. */
  record Prefix(String fingerprint, long featureCount) {}

  NativeHandle handle() {
    return features;
  }

  Prefix prefix() {
    return prefix;
  }

  /** Returns what was computed here, by content. */
  ContentIndex computed() {
    return computed;
  }

  /** Returns the bytes of all examples that have room here, in memory or in files. */
  long bytes() {
    return exampleBytes * hasRoom.cardinality();
  }

  /** Returns the bytes that {@link #makeRoom} would take. */
  long missingBytes(int[] examples) {
    return exampleBytes * withoutRoom(examples).length;
  }

  /** Makes room for those examples that have none, for all or, with an exception, for none. */
  void makeRoom(int[] examples) {
    int[] missing = withoutRoom(examples);
    long[] indices = Arrays.stream(missing).asLongStream().toArray();
    features.run(id -> Bridge.featuresMakeRoom(id, indices.length, indices));
    Arrays.stream(missing).forEach(hasRoom::set);
  }

  private int[] withoutRoom(int[] examples) {
    return Arrays.stream(examples)
        .filter(example -> !hasRoom.get(example) && !isFilled.get(example))
        .distinct()
        .toArray();
  }

  /** Returns positions in {@code examples} of those without features, of each the first one. */
  int[] missing(int[] examples) {
    BitSet seen = new BitSet();
    return IntStream.range(0, examples.length)
        .filter(
            i -> {
              boolean isNew = !isFilled.get(examples[i]) && !seen.get(examples[i]);
              seen.set(examples[i]);
              return isNew;
            })
        .toArray();
  }

  /** Notes that an example was computed, from an input of this content. */
  void addComputed(long example, ContentIndex.Content content) {
    isFilled.set((int) example);
    computed.put(content, (int) example);
  }

  /** Takes over what other ones hold of an example of theirs, for one with an equal input. */
  void share(KeptFeatures others, int theirs, int own) {
    long[] from = {theirs};
    long[] to = {own};
    features.run(id -> others.features.run(other -> Bridge.featuresShare(id, other, 1, from, to)));
    isFilled.set(own);
  }

  /** Refuses a root that has become larger or smaller. */
  void requireSize(Dataset root) {
    if (root.size() != size) {
      throw new IllegalStateException(
          "feature cache: expected the "
              + size
              + " examples that the data set had before, got "
              + root.size());
    }
  }

  boolean isInFile() {
    return features.get(Bridge::featuresInFile);
  }

  @Override
  public void close() {
    features.close();
  }
}

// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.JsonReader;
import dev.espalier.internal.JsonWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.DoubleStream;

/**
 * How far a fit is between two steps, beside what its trainer knows: what a checkpoint notes of it.
 *
 * @param examples of the epoch that have been trained on
 * @param stepsOfEpoch steps that these took
 * @param sums losses of the epoch so far
 * @param rate of the last step
 */
record FitNotes(
    int stage,
    int epoch,
    int examples,
    long stepsOfEpoch,
    long steps,
    int firstEpoch,
    long firstStep,
    long plannedBefore,
    double[] sums,
    double rate,
    List<String> seen,
    OptionalDouble bestValue,
    OptionalInt bestEpoch,
    long prefixExamples,
    boolean isCached,
    List<String> cacheNotes,
    List<String> warnings,
    double seconds,
    List<EpochResult> epochs) {

  String toJson(FitFingerprint settings) {
    Map<String, Object> notes = new LinkedHashMap<>();
    notes.put("settings", settings.notes());
    notes.put("stage", stage);
    notes.put("epoch", epoch);
    notes.put("examples", examples);
    notes.put("steps_of_epoch", stepsOfEpoch);
    notes.put("steps", steps);
    notes.put("first_epoch", firstEpoch);
    notes.put("first_step", firstStep);
    notes.put("planned_before", plannedBefore);
    notes.put("sums", DoubleStream.of(sums).mapToObj(HistoryNotes::bits).toList());
    notes.put("rate", HistoryNotes.bits(rate));
    notes.put("seen", seen);
    notes.put(
        "best_value", bestValue.isPresent() ? HistoryNotes.bits(bestValue.getAsDouble()) : null);
    notes.put("best_epoch", bestEpoch.isPresent() ? bestEpoch.getAsInt() : null);
    notes.put("prefix_examples", prefixExamples);
    notes.put("is_cached", isCached);
    notes.put("cache_notes", cacheNotes);
    notes.put("warnings", warnings);
    notes.put("seconds", HistoryNotes.bits(seconds));
    notes.put("epochs", epochs.stream().map(HistoryNotes::of).toList());
    return JsonWriter.write(notes);
  }

  /** Returns the settings in the notes of a checkpoint. */
  static Map<?, ?> settings(String json) {
    return (Map<?, ?>) ((Map<?, ?>) JsonReader.read(json)).get("settings");
  }

  static FitNotes of(String json, HistoryNotes history) {
    Map<?, ?> notes = (Map<?, ?>) JsonReader.read(json);
    return new FitNotes(
        integer(notes, "stage"),
        integer(notes, "epoch"),
        integer(notes, "examples"),
        (Long) notes.get("steps_of_epoch"),
        (Long) notes.get("steps"),
        integer(notes, "first_epoch"),
        (Long) notes.get("first_step"),
        (Long) notes.get("planned_before"),
        ((List<?>) notes.get("sums")).stream().mapToDouble(HistoryNotes::number).toArray(),
        HistoryNotes.number(notes.get("rate")),
        texts(notes, "seen"),
        Optional.ofNullable(notes.get("best_value"))
            .map(bits -> OptionalDouble.of(HistoryNotes.number(bits)))
            .orElse(OptionalDouble.empty()),
        notes.get("best_epoch") == null
            ? OptionalInt.empty()
            : OptionalInt.of(integer(notes, "best_epoch")),
        (Long) notes.get("prefix_examples"),
        (Boolean) notes.get("is_cached"),
        texts(notes, "cache_notes"),
        texts(notes, "warnings"),
        HistoryNotes.number(notes.get("seconds")),
        ((List<?>) notes.get("epochs")).stream().map(history::epoch).toList());
  }

  private static int integer(Map<?, ?> notes, String name) {
    return Math.toIntExact((Long) notes.get(name));
  }

  private static List<String> texts(Map<?, ?> notes, String name) {
    return ((List<?>) notes.get(name)).stream().map(text -> (String) text).toList();
  }
}

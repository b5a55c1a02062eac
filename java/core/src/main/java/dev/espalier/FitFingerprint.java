// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.JsonWriter;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a fit's bits depend on, by name: its settings, and which data it has. */
final class FitFingerprint {
  /** Examples spread over a data set by which it is known. */
  private static final int SAMPLED = 16;

  private final Map<String, String> texts;

  private FitFingerprint(Map<String, String> texts) {
    this.texts = texts;
  }

  static FitFingerprint of(FitSettings settings, Dataset data, long totalSteps) {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put("tasks", settings.network().tasks().toString());
    texts.put("data", textOf(data));
    texts.put("optimizer", settings.optimizer().toString());
    texts.put("balance", settings.balance().toString());
    texts.put("schedule", JsonWriter.write(settings.schedule().spec(totalSteps)));
    texts.put("batchSize", Integer.toString(settings.batchSize()));
    texts.put("epochs", Integer.toString(settings.epochs()));
    texts.put("steps", Long.toString(settings.maxSteps()));
    texts.put("stages", settings.stages().toString());
    texts.put("seed", Long.toString(settings.seed()));
    texts.put("shuffle", Boolean.toString(settings.isShuffled()));
    texts.put("groupByLength", settings.lengthInput().orElse("none"));
    texts.put("clipValue", String.valueOf(settings.updates().clipValue()));
    texts.put("clipNorm", String.valueOf(settings.updates().clipNorm()));
    texts.put("decayBiasesAndNorms", Boolean.toString(settings.updates().decaysBiasesAndNorms()));
    texts.put("averageWeights", settings.updates().averageDecay().toString());
    texts.put("decayToStart", Double.toString(settings.updates().startDecay()));
    Map<String, String> losses = new TreeMap<>();
    settings.losses().forEach((task, loss) -> losses.put(task, nameOf(loss)));
    texts.put("loss", losses.toString());
    ValidationPlan validation = settings.validation();
    texts.put("validation", validation.data().map(FitFingerprint::textOf).orElse("none"));
    texts.put("validateEvery", Integer.toString(validation.every()));
    texts.put("watched", validation.watched().map(Object::toString).orElse("none"));
    texts.put("earlyStopping", validation.patience().toString());
    return new FitFingerprint(texts);
  }

  /** A lambda's class has another name in each process: it is known by the class around it. */
  private static String nameOf(Loss loss) {
    Class<?> type = loss.getClass();
    return type.isHidden() ? "a lambda of " + type.getNestHost().getName() : type.getName();
  }

  /** Size, shape, names of tasks, and a digest of a few examples with their targets. */
  private static String textOf(Dataset data) {
    StringBuilder text = new StringBuilder();
    text.append(data.size()).append(" of ").append(data.inputShape());
    data.targets().forEach(t -> text.append(", ").append(t.task()).append(' ').append(t.names()));
    return text.append(", ").append(digest(data)).toString();
  }

  private static String digest(Dataset data) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java platform has SHA-256", impossible);
    }
    int count = Math.min(SAMPLED, data.size());
    for (int i = 0; i < count; i++) {
      int index = (int) ((long) i * data.size() / count);
      update(digest, Datasets.input(data, index));
      for (Target target : data.targets()) {
        update(digest, Datasets.target(data, target.task(), index));
      }
    }
    return HexFormat.of().formatHex(digest.digest(), 0, 8);
  }

  private static void update(MessageDigest digest, float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES);
    bytes.asFloatBuffer().put(values);
    digest.update(bytes);
  }

  Map<String, Object> notes() {
    return new LinkedHashMap<>(texts);
  }

  /** Returns what is other than in the notes of a checkpoint, a line each. */
  List<String> differences(Map<?, ?> notes, List<String> mayDiffer) {
    for (String name : mayDiffer) {
      if (!texts.containsKey(name) || name.equals("tasks")) {
        List<String> names = texts.keySet().stream().filter(n -> !n.equals("tasks")).toList();
        throw new IllegalArgumentException(
            NearNames.instead("mayDiffer: expected one of", names, name));
      }
    }
    List<String> differences = new ArrayList<>();
    texts.forEach(
        (name, text) -> {
          if (!mayDiffer.contains(name) && !text.equals(notes.get(name))) {
            differences.add(name + ": " + notes.get(name) + " there, " + text + " here");
          }
        });
    return differences;
  }

  @Override
  public String toString() {
    return texts.toString();
  }
}

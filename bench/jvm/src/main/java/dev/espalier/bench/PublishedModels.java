// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.Head;
import dev.espalier.ImportOptions;
import dev.espalier.ImportReport;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.OnnxExportOptions;
import dev.espalier.Shape;
import dev.espalier.TokenPooling;
import dev.espalier.text.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Workloads M: models in the files in which they were published, with inputs at random. Of MiniLM,
 * positions are all valid; "M-minilm-texts" begins with strings.
 */
public final class PublishedModels {
  /** Places of the network that reads strings. */
  public static final int MOST_TOKENS = 128;

  /** The layer of {@link #sentences} that makes the means. */
  public static final String SENTENCES = "heads.unused.pool";

  /** Strings that are gone through in turn. */
  public static final int TEXTS = 256;

  private static final String MINI_LM = "/all-minilm-l6-v2.onnx";
  private static final String INT8_MINI_LM = "/all-minilm-l6-v2-q.onnx";
  private static final String TOKENIZER = "/all-minilm-l6-v2-tokenizer.json";
  private static final String READER = "/models/ch_ppocr_mobile_v2.0_cls_infer.onnx";
  private static final String DETECTOR =
      "target/objectron/object_detection_ssd_mobilenetv2_oidv4_fp16.tflite";
  private static final int SEED = 5;

  private PublishedModels() {}

  /** Writes model and inputs of a workload. Null where the model is not to be had. */
  public static Work write(Path folder, Path root, String name, int examples) throws IOException {
    Files.createDirectories(folder);
    Work work = new Work(folder, name);
    if (name.equals("M-objectron")) {
      Path detector = root.resolve(DETECTOR);
      if (!Files.exists(detector)) {
        System.out.printf("SKIPPED %s: no %s (ci/objectron)%n", name, detector);
        return null;
      }
      Files.copy(detector, work.tflite(), StandardCopyOption.REPLACE_EXISTING);
      try (Imported imported = load(work)) {
        imported
            .network()
            .exportOnnx(work.onnx(), OnnxExportOptions.defaults().layers(imported.outputs()));
      }
    } else {
      copy(work.isText() ? MINI_LM : READER, work.onnx());
    }
    if (work.isText()) {
      copy(INT8_MINI_LM, work.int8Onnx());
    }
    if (work.readsStrings()) {
      copy(TOKENIZER, work.tokenizer());
      Files.write(work.texts(), texts(work.tokenizer()));
    } else {
      Work.writeFloats(work.inputsFile(), inputs(work, examples));
    }
    return work;
  }

  /** Imports what {@link #write} wrote. */
  static Imported load(Work work) {
    List<ImportReport> reports = new ArrayList<>();
    ImportOptions options = ImportOptions.defaults().report(reports::add);
    Network network;
    if (work.network().equals("M-objectron")) {
      network = Network.importTflite(work.tflite(), options);
    } else if (work.isText()) {
      network =
          Network.importOnnx(work.onnx(), options.dimension("sequence_length", work.positions()));
    } else {
      network = Network.importOnnx(work.onnx(), options.inputShape("x", image(work)));
    }
    return new Imported(network, reports.get(0).outputs().values().toArray(String[]::new));
  }

  /** MiniLM with a head on the mean of its vectors. */
  static Network textClassifier(Work work) throws IOException {
    try (InputStream model = PublishedModels.class.getResourceAsStream(MINI_LM);
        Network published =
            Network.importOnnx(
                model, ImportOptions.defaults().dimension("sequence_length", work.positions()))) {
      return published.transfer().head("output", head(lastOf(published), work)).build(SEED);
    }
  }

  /** MiniLM with {@link #SENTENCES}, the means of its vectors. */
  public static Network sentences(Work work) {
    try (Imported imported = load(work)) {
      return imported
          .network()
          .transfer()
          .head(
              "unused",
              Head.layers(
                      h -> h.tokenPool("pool", TokenPooling.MEAN, imported.outputs()[0], "lengths"))
                  .labels("l"))
          .build(SEED);
    }
  }

  /** The name of the layer that the published network ends with. */
  public static String lastOf(Network network) {
    return network.layers().stream()
        .map(LayerSummary::name)
        .filter(name -> !name.startsWith("heads."))
        .reduce((first, second) -> second)
        .orElseThrow();
  }

  /** Labels on the mean of a layer's vectors, through 256 units where the rest is frozen. */
  static Head head(String layer, Work work) {
    return Head.layers(
            h -> {
              h.tokenPool("features", TokenPooling.MEAN, layer, "lengths");
              if (work.network().startsWith("X")) {
                h.dense("hidden", 256).relu();
              }
            })
        .labels(Networks.labelNames(TransferWork.LABELS));
  }

  /** The shape of an example of a workload with images. */
  public static Shape image(Work work) {
    return work.network().equals("M-objectron")
        ? Shape.image(3, 300, 300)
        : Shape.image(3, 48, 192);
  }

  /** Inputs of a workload, side by side. */
  static float[] inputs(Work work, int examples) {
    Random random = new Random(SEED);
    if (!work.isText()) {
      float[] images = new float[examples * image(work).size()];
      for (int i = 0; i < images.length; i++) {
        images[i] = random.nextFloat() - 0.5f;
      }
      return images;
    }
    int length = work.positions();
    float[] rows = new float[examples * (2 * length + 1)]; // ids, types, and how many there are
    for (int i = 0; i < examples; i++) {
      int row = i * (2 * length + 1);
      for (int k = 0; k < length; k++) {
        rows[row + k] = 1000 + random.nextInt(20_000);
      }
      rows[row + 2 * length] = length;
    }
    return rows;
  }

  /** Of 6 to 40 words of the vocabulary. */
  private static List<String> texts(Path tokenizer) {
    Tokenizer words = Tokenizer.load(tokenizer);
    Random random = new Random(SEED);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < TEXTS; i++) {
      StringBuilder text = new StringBuilder();
      for (int count = 6 + random.nextInt(35); count > 0; ) {
        String word = words.token(2000 + random.nextInt(18_000)).orElse("");
        if (word.chars().allMatch(c -> c >= 'a' && c <= 'z')) {
          text.append(text.isEmpty() ? "" : " ").append(word);
          count--;
        }
      }
      texts.add(text.append('.').toString());
    }
    return texts;
  }

  private static void copy(String resource, Path file) throws IOException {
    try (InputStream stream = PublishedModels.class.getResourceAsStream(resource)) {
      if (stream == null) {
        throw new IOException("no " + resource + " on the class path");
      }
      Files.copy(stream, file, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** A network, and the layers that make the model's outputs. */
  @SuppressWarnings("ArrayRecordComponent")
  record Imported(Network network, String[] outputs) implements AutoCloseable {
    @Override
    public void close() {
      network.close();
    }
  }
}

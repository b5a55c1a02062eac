// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import dev.espalier.CheckReturnValue;
import dev.espalier.Input;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.ShapeException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * How a network reads texts: by which tokenizer, and what of a text each of its inputs is.
 *
 * <pre>{@code
 * TextInputs inputs = TextInputs.of(tokenizer, network.inputs());
 * Dataset data = Datasets.withTargets(TextDataset.of(inputs, texts), "", answers);
 * Prediction prediction = predictor.predictNamed(inputs.rows("Grafting an apple tree"));
 * }</pre>
 *
 * <p>Texts are cut at what the network has room for, or before where the tokenizer says so.
 * Immutable; any number of threads may use one. It can be {@linkplain #storeIn stored} in a network
 * with its tokenizer, and comes back from the model file.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class TextInputs {
  /** The key under which {@link #storeIn} keeps inputs in a network's metadata. */
  public static final String METADATA_KEY = "dev.espalier.text.TextInputs";

  private final Tokenizer tokenizer;
  private final int paddingId;
  private final List<Input> inputs;
  private final List<TextValue> values;
  private final int size;

  private TextInputs(
      Tokenizer tokenizer, int places, List<Input> inputs, List<TextValue> values, int size) {
    boolean fits = tokenizer.maxLength().orElse(Integer.MAX_VALUE) <= places;
    this.tokenizer = (fits ? tokenizer : tokenizer.truncated(places)).unpadded();
    paddingId = tokenizer.paddingId();
    this.inputs = inputs;
    this.values = values;
    this.size = size;
  }

  /**
   * Finds out by their usual names ({@link TextValue}) what the inputs are.
   *
   * @param tokenizer finds the tokens
   * @param inputs of a network or predictor, in order
   * @return how texts become rows of these inputs
   * @throws IllegalArgumentException if an input has another name or that of one before, none is of
   *     ids, or there is no room for special tokens
   * @throws ShapeException if inputs of tokens have not as many places as each other
   */
  public static TextInputs of(Tokenizer tokenizer, List<Input> inputs) {
    Map<String, TextValue> values = new LinkedHashMap<>();
    for (Input input : Objects.requireNonNull(inputs, "inputs")) {
      for (TextValue value : TextValue.values()) {
        if (value.isUsually(input.name())) {
          values.put(input.name(), value);
        }
      }
    }
    return of(tokenizer, inputs, values);
  }

  /**
   * Takes the inputs as they are said to be.
   *
   * @param tokenizer finds the tokens
   * @param inputs of a network or predictor, in order
   * @param values what each is, by its name
   * @return how texts become rows of these inputs
   * @throws IllegalArgumentException if nothing is said of an input, two have one name, a name is
   *     none of theirs, none is of ids, or there is no room for special tokens
   * @throws ShapeException if inputs of tokens have not as many places as each other
   */
  public static TextInputs of(
      Tokenizer tokenizer, List<Input> inputs, Map<String, TextValue> values) {
    Objects.requireNonNull(tokenizer, "tokenizer");
    List<Input> all = List.copyOf(Objects.requireNonNull(inputs, "inputs"));
    List<String> names = all.stream().map(Input::name).toList();
    for (int i = 0; i < names.size(); i++) {
      if (names.indexOf(names.get(i)) < i) {
        throw new IllegalArgumentException(
            "inputs: expected one of each name, got \"" + names.get(i) + "\" twice");
      }
    }
    for (String name : Objects.requireNonNull(values, "values").keySet()) {
      if (!names.contains(name)) {
        throw new IllegalArgumentException(
            "values: expected names of " + names + ", got \"" + name + '"');
      }
    }
    List<TextValue> ordered = new ArrayList<>();
    int places = 0;
    int size = 0;
    for (Input input : all) {
      TextValue value = values.get(input.name());
      if (value == null) {
        throw new IllegalArgumentException(
            "inputs: expected one of usual name, or to be told what of a text it is, got " + input);
      }
      ordered.add(value);
      int width = input.shape().size();
      size = Math.addExact(size, width);
      if (value != TextValue.LENGTH) {
        places = places == 0 ? width : places;
      }
      int expected = value == TextValue.LENGTH ? 1 : places;
      if (width != expected) {
        throw new ShapeException("inputs: expected " + expected + " values, got " + input);
      }
    }
    if (!ordered.contains(TextValue.IDS)) {
      throw new IllegalArgumentException("inputs: expected one of ids, got " + all);
    }
    return new TextInputs(tokenizer, places, all, List.copyOf(ordered), size);
  }

  /**
   * Returns the inputs that {@link #storeIn} put into a network.
   *
   * @param network a network, from a file or not
   * @return the inputs, with their tokenizer
   * @throws IllegalArgumentException if it has none, or damaged ones
   * @throws ShapeException if they don't fit the network's
   */
  public static TextInputs of(Network network) {
    return of(Objects.requireNonNull(network, "network").metadata(), network.inputs());
  }

  /**
   * Returns the inputs of the network that a predictor was made of.
   *
   * @param predictor a predictor, from a file or not
   * @return the inputs, with their tokenizer
   * @throws IllegalArgumentException if it has none, or damaged ones
   * @throws ShapeException if they don't fit the predictor's
   */
  public static TextInputs of(Predictor predictor) {
    return of(Objects.requireNonNull(predictor, "predictor").metadata(), predictor.inputs());
  }

  private static TextInputs of(Map<String, String> metadata, List<Input> inputs) {
    String text = metadata.get(METADATA_KEY);
    if (text == null) {
      throw new IllegalArgumentException(
          "expected a network that inputs of texts were stored in (storeIn), got the metadata "
              + metadata.keySet());
    }
    return StoredTextInputs.read(text, inputs);
  }

  /**
   * Stores these inputs in a network: they go into its model files, copies, transfers and
   * predictors, with the tokenizer's file, compressed. A tokenizer of 30,000 words takes about a
   * quarter of the room that {@link Network#setMetadata} has; those of a few 100,000 may not fit.
   *
   * @param network a network that reads these inputs
   * @param tokenizerJson the {@code tokenizer.json} that the tokenizer was read from
   * @throws ShapeException if the network reads others
   * @throws IllegalArgumentException if the file is that of another tokenizer, or has no room
   * @throws dev.espalier.ModelFileException if it is no file of a tokenizer
   * @throws IllegalStateException if the network is closed or in use by another thread
   */
  public void storeIn(Network network, byte[] tokenizerJson) {
    if (!Objects.requireNonNull(network, "network").inputs().equals(inputs)) {
      throw new ShapeException(
          "network: expected one that reads " + inputs + ", got " + network.inputs());
    }
    Objects.requireNonNull(tokenizerJson, "tokenizerJson");
    network.setMetadata(METADATA_KEY, StoredTextInputs.write(this, tokenizerJson));
  }

  /**
   * Returns what {@link dev.espalier.Predictor#predict(float[])} reads for texts.
   *
   * @param texts one or more
   * @return {@code [texts, inputs]}: a row for each, one after the other
   */
  public float[] rows(String... texts) {
    Objects.requireNonNull(texts, "texts");
    float[] rows = new float[Math.multiplyExact(texts.length, size)];
    for (int i = 0; i < texts.length; i++) {
      write(encode(texts[i]), rows, i * size);
    }
    return rows;
  }

  /**
   * Returns what a predictor reads for a pair of texts.
   *
   * @param first a text
   * @param second another one
   * @return a row
   */
  public float[] pairRow(String first, String second) {
    float[] row = new float[size];
    write(encode(first, second), row, 0);
    return row;
  }

  /**
   * Returns the inputs that rows are of.
   *
   * @return the inputs, in order
   */
  public List<Input> inputs() {
    return inputs;
  }

  /**
   * Returns the tokenizer, as it is used: it cuts at what the network has room for and pads
   * nothing.
   *
   * @return the tokenizer
   */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** Returns what each input is, in order. */
  List<TextValue> values() {
    return values;
  }

  /** Returns what fills places up behind a text. */
  int paddingId() {
    return paddingId;
  }

  /** Returns the number of values of a row. */
  int size() {
    return size;
  }

  Encoding encode(String text) {
    return tokenizer.encode(Objects.requireNonNull(text, "texts"));
  }

  Encoding encode(String first, String second) {
    return tokenizer.encode(first, second);
  }

  /** Writes the row of tokens. */
  void write(Encoding encoding, float[] rows, int offset) {
    int at = offset;
    int length = encoding.length();
    for (int i = 0; i < inputs.size(); i++) {
      int width = inputs.get(i).shape().size();
      switch (values.get(i)) {
        case IDS:
          encoding.writeIds(rows, at);
          Arrays.fill(rows, at + length, at + width, paddingId);
          break;
        case TYPES:
          encoding.writeTypes(rows, at);
          Arrays.fill(rows, at + length, at + width, 0);
          break;
        case MASK:
          Arrays.fill(rows, at, at + length, 1);
          Arrays.fill(rows, at + length, at + width, 0);
          break;
        default:
          rows[at] = length;
          break;
      }
      at += width;
    }
  }

  /** Returns what each input is. */
  @Override
  public String toString() {
    Map<String, TextValue> all = new LinkedHashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      all.put(inputs.get(i).name(), values.get(i));
    }
    return "TextInputs" + all;
  }
}

// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.CheckReturnValue;
import dev.espalier.Dataset;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import dev.espalier.ShapeException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * How rows of a table become inputs of a network, fitted to the rows that it is trained on:
 *
 * <pre>{@code
 * TableSplit parts = table.split(0.8, 1);
 * TableInputs inputs = TableInputs.fit(parts.first());
 * Trainer.of(network).fit(inputs.dataset(parts.first()), inputs.dataset(parts.second()));
 * inputs.storeIn(network);
 * }</pre>
 *
 * <p>A <b>number</b> is scaled to mean 0 and standard deviation 1 over those rows, a <b>date</b> as
 * the days since 1970-01-01 that it is. A <b>category</b> has an input for each text that those
 * rows have, 1 for its own and 0 elsewhere; a text that just one of them has counts as unknown, as
 * do texts that none has, so that the network learns what an unknown one means. A <b>blank</b>
 * number counts as the mean, a blank category as none; where those rows have blanks, an input says
 * so.
 *
 * <p>Immutable. It can be stored in a network, comes back from its model file, and so turns the
 * rows of a service into inputs as it did those of training: see {@link RowPredictor}.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class TableInputs {
  /** The key under which {@link #storeIn} keeps inputs in a network's metadata. */
  public static final String METADATA_KEY = "dev.espalier.data.TableInputs";

  private final List<InputColumn> columns;
  private final Set<String> unused;
  private final Set<String> blanks;
  private final List<Cells> cells = new ArrayList<>();
  private final List<Map<String, Integer>> places = new ArrayList<>();
  private final Map<String, Integer> columnOfName = new HashMap<>();
  private final int size;

  /** Columns that are inputs; names of others, which rows may have; what means nothing. */
  TableInputs(List<InputColumn> columns, Set<String> unused, Set<String> blanks) {
    this.columns = List.copyOf(columns);
    this.unused = Set.copyOf(unused);
    this.blanks = Set.copyOf(blanks);
    int width = 0;
    for (InputColumn column : columns) {
      width += column.width();
      cells.add(new Cells(blanks, List.of(), List.of(), column.dateFormat()));
      places.add(column.places());
      columnOfName.put(column.name(), columnOfName.size());
    }
    size = width;
  }

  /**
   * Fits inputs to the rows that a network will be trained on, and to no others.
   *
   * @param training at least one row
   * @return the inputs
   * @throws IllegalArgumentException if there is no row, or no column that is an input
   */
  public static TableInputs fit(Table training) {
    return InputFit.of(Objects.requireNonNull(training, "training"), true);
  }

  /**
   * As {@link #fit}, but numbers and dates stay as they are, for a network that scales them itself;
   * a blank is the mean.
   *
   * @param training at least one row
   * @return the inputs
   * @throws IllegalArgumentException if there is no row, or no column that is an input
   */
  public static TableInputs fitUnscaled(Table training) {
    return InputFit.of(Objects.requireNonNull(training, "training"), false);
  }

  /**
   * Returns the inputs that {@link #storeIn} put into a network.
   *
   * @param network a network, from a file or not
   * @return the inputs
   * @throws IllegalArgumentException if it has none, or damaged ones
   * @throws ShapeException if they are not as many as the network reads
   */
  public static TableInputs of(Network network) {
    return of(Objects.requireNonNull(network, "network").metadata(), network.inputShape().size());
  }

  /**
   * Returns the inputs of the network that a predictor was made of.
   *
   * @param predictor a predictor, from a file or not
   * @return the inputs
   * @throws IllegalArgumentException if it has none, or damaged ones
   * @throws ShapeException if they are not as many as the predictor reads
   */
  public static TableInputs of(Predictor predictor) {
    return of(Objects.requireNonNull(predictor, "predictor").metadata(), predictor.inputSize());
  }

  private static TableInputs of(Map<String, String> metadata, int expected) {
    String text = metadata.get(METADATA_KEY);
    if (text == null) {
      throw new IllegalArgumentException(
          "expected a network that inputs of a table were stored in (storeIn), got the metadata "
              + metadata.keySet());
    }
    TableInputs inputs = TableInputsText.read(text);
    if (inputs.size != expected) {
      throw new ShapeException(
          "metadata \""
              + METADATA_KEY
              + "\": expected "
              + expected
              + " inputs, as the network reads, got "
              + inputs.size);
    }
    return inputs;
  }

  /**
   * Stores these inputs in a network: they go into its model files, copies, transfers and
   * predictors.
   *
   * @param network a network that reads as many values
   * @throws ShapeException if it reads another number
   * @throws IllegalArgumentException if they take more room than {@link Network#setMetadata} has
   * @throws IllegalStateException if the network is closed or in use by another thread
   */
  public void storeIn(Network network) {
    int reads = Objects.requireNonNull(network, "network").inputShape().size();
    if (reads != size) {
      throw new ShapeException(
          "network: expected one that reads " + size + " values, got " + network.inputShape());
    }
    network.setMetadata(METADATA_KEY, TableInputsText.write(this));
  }

  /**
   * Returns the rows of a table, with their answers, as a network reads them.
   *
   * @param table with the columns, of the same roles, that these inputs were fitted to
   * @return a data set, which reads the table whenever it is read; stable, for any number of
   *     threads
   * @throws IllegalArgumentException if a column is missing or has another role
   */
  public Dataset dataset(Table table) {
    return new TableDataset(Objects.requireNonNull(table, "table"), this);
  }

  /**
   * Refuses columns that {@link #row} would refuse in each row, all at once.
   *
   * @param names of the columns that rows have
   * @throws IllegalArgumentException if one is missing or of no column, naming all such
   */
  public void requireColumns(Collection<String> names) {
    Objects.requireNonNull(names, "names");
    List<String> missing =
        columns.stream()
            .filter(column -> !column.isBlankInput() && !names.contains(column.name()))
            .map(InputColumn::name)
            .toList();
    List<String> unknown = names.stream().filter(name -> !isColumn(name)).toList();
    if (!missing.isEmpty() || !unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "expected the columns "
              + ColumnRules.brief(names())
              + ", got "
              + ColumnRules.brief(List.copyOf(names))
              + (missing.isEmpty() ? "" : "; missing: " + ColumnRules.brief(missing))
              + (unknown.isEmpty() ? "" : "; unknown: " + ColumnRules.brief(unknown)));
    }
  }

  private boolean isColumn(String name) {
    return columnOfName.containsKey(name) || unused.contains(name);
  }

  /**
   * Turns one row into inputs. The keys are names of columns. Texts are read as those of a file;
   * null and what means nothing there is a blank. A column may be missing only if rows to train on
   * had blanks there. Columns that were no inputs may be there, and are not looked at.
   *
   * @param row for example {@code Map.of("age", 63, "sex", "f", "admitted", LocalDate.now())}
   * @return {@link #size} values, a new array
   * @throws IllegalArgumentException if a value is not what its column asks for, naming column,
   *     expected and got; if a key is of no column, or a column is missing
   */
  public float[] row(Map<String, ?> row) {
    Objects.requireNonNull(row, "row");
    for (Object key : row.keySet()) {
      if (!(key instanceof String name) || !isColumn(name)) {
        throw new IllegalArgumentException(
            "row: expected values of "
                + ColumnRules.brief(names())
                + ", got one of "
                + Cells.shown(key));
      }
    }
    float[] values = new float[size];
    int at = 0;
    for (int c = 0; c < columns.size(); c++) {
      InputColumn column = columns.get(c);
      Object value = row.get(column.name());
      if (value == null && !column.isBlankInput() && !row.containsKey(column.name())) {
        throw new IllegalArgumentException(
            "row: expected values of "
                + ColumnRules.brief(names())
                + ", got none of \""
                + column.name()
                + "\"; null says that it is not known");
      }
      column.write(number(c, value), values, at);
      at += column.width();
    }
    return values;
  }

  private double number(int c, Object value) {
    InputColumn column = columns.get(c);
    Cells of = cells.get(c);
    if (of.isBlank(value)) {
      return Double.NaN;
    }
    if (column.isCategory()) {
      String text = Cells.category(value);
      if (text != null) {
        return places.get(c).getOrDefault(text, -1);
      }
      throw error(column, "a text, number or boolean", value);
    }
    boolean isDate = column.role() == ColumnRole.DATE;
    double number = isDate ? of.days(value) : of.number(value);
    if (Double.isNaN(number)) {
      throw error(column, isDate ? of.expectedDate() : Cells.NUMBER, value);
    }
    return number;
  }

  private IllegalArgumentException error(InputColumn column, String expected, Object got) {
    return new IllegalArgumentException(
        "row: column \""
            + column.name()
            + "\": expected "
            + cells.get(0).orBlank(expected)
            + ", got "
            + Cells.shown(got));
  }

  private List<String> names() {
    return columns.stream().map(InputColumn::name).toList();
  }

  /**
   * Returns the columns that are inputs: the keys of {@link #row}.
   *
   * @return the names, in order
   */
  public List<String> columnNames() {
    return names();
  }

  /**
   * Returns what the values of a column are.
   *
   * @param column one of {@link #columnNames}
   * @return number, date or category
   * @throws IllegalArgumentException if there is no such column
   */
  public ColumnRole role(String column) {
    return column(column).role();
  }

  /**
   * Returns the categories of a column that have an input of their own.
   *
   * @param column one of {@link #columnNames}
   * @return the texts, in order; none of a number or date
   * @throws IllegalArgumentException if there is no such column
   */
  public List<String> categories(String column) {
    return column(column).categories();
  }

  private InputColumn column(String name) {
    Integer index = columnOfName.get(Objects.requireNonNull(name, "column"));
    if (index == null) {
      throw new IllegalArgumentException(
          "column: expected one of " + ColumnRules.brief(names()) + ", got \"" + name + '"');
    }
    return columns.get(index);
  }

  /**
   * Returns the shape of an input: what a network of such rows is built for.
   *
   * @return a vector of {@link #size} values
   */
  public Shape shape() {
    return Shape.vector(size);
  }

  /**
   * Returns the number of input values.
   *
   * @return at least 1
   */
  public int size() {
    return size;
  }

  /**
   * Returns what each input value is.
   *
   * @return for example {@code [age, age is blank, sex = f, sex = m]}
   */
  public List<String> inputNames() {
    return columns.stream().flatMap(column -> column.inputNames().stream()).toList();
  }

  List<InputColumn> columns() {
    return columns;
  }

  Set<String> unused() {
    return unused;
  }

  Set<String> blanks() {
    return blanks;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TableInputs inputs
        && columns.equals(inputs.columns)
        && unused.equals(inputs.unused)
        && blanks.equals(inputs.blanks);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(new Object[] {columns, unused, blanks});
  }

  /** Returns a line a column: its name, role and inputs. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("TableInputs, " + size + " values");
    for (InputColumn column : columns) {
      text.append(
          String.format(
              "%n  %s: %s as %s",
              column.name(),
              TableColumn.word(column.role()),
              ColumnRules.brief(column.inputNames())));
    }
    return text.toString();
  }
}

// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.CheckReturnValue;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.LabelStatistics;
import dev.espalier.ShapeException;
import dev.espalier.Split;
import dev.espalier.Target;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Rows with named columns, each with a role: some are inputs, some are answers, some are neither.
 * {@link #csv}, {@link #of} and {@link #resultSet} read one; print it, and it says what each column
 * was taken for, and why.
 *
 * <p>What a network reads are numbers, so rows go through {@link TableInputs}, which is fitted to
 * the rows to train on: split first, then fit.
 *
 * <p>Immutable; any number of threads may read one. Takes 8 bytes of heap for each field that is a
 * number, category, date or answer, and the text of those that are texts.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Table {
  private final List<TableColumn> columns;
  private final List<ColumnData> data;
  private final List<TableTask> tasks;
  private final TableOptions options;
  private final int @Nullable [] rows; // null: all that were read
  private final int size;

  private Table(
      List<TableColumn> columns,
      List<ColumnData> data,
      List<TableTask> tasks,
      TableOptions options,
      int @Nullable [] rows,
      int size) {
    this.columns = columns;
    this.data = data;
    this.tasks = tasks;
    this.options = options;
    this.rows = rows;
    this.size = size;
  }

  static Table of(
      List<TableColumn> columns,
      List<ColumnData> data,
      List<TableTask> tasks,
      TableOptions options,
      int size) {
    return new Table(columns, data, tasks, options, null, size);
  }

  /**
   * Reads a CSV file: RFC 4180, UTF-8 with or without a byte order mark, a header line. Where roles
   * are to be guessed, it is read twice.
   *
   * @param file a path of any file system
   * @param options which columns are what
   * @return the table, in memory
   * @throws IllegalArgumentException if the file is malformed or has no row, a column is not there,
   *     or a field is not what its column asks for, naming file, line, column, expected and got
   * @throws UncheckedIOException if the file cannot be read
   */
  public static Table csv(Path file, TableOptions options) {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(options, "options");
    return TableReader.read(() -> CsvRows.open(file, options.separator()), options);
  }

  /**
   * Reads a CSV file, guessing the role of each column; none of them is an answer.
   *
   * @param file a path of any file system
   * @return the table, in memory, with the exceptions of {@link #csv(Path, TableOptions)}
   */
  public static Table csv(Path file) {
    return csv(file, TableOptions.defaults());
  }

  /**
   * Makes a table of objects, by what functions return of each: {@code Table.of(patients,
   * TableOptions.defaults().labels("", "ill"), TableField.of("age", Patient::age),
   * TableField.of("ill", Patient::isIll))}.
   *
   * @param <T> what the objects are
   * @param items a row each
   * @param options which columns are what
   * @param fields the columns
   * @return the table; the objects are not kept
   * @throws IllegalArgumentException as for {@link #csv(Path, TableOptions)}, naming the item by
   *     its place in the list
   */
  @SafeVarargs
  public static <T> Table of(
      List<? extends T> items, TableOptions options, TableField<? super T>... fields) {
    Objects.requireNonNull(items, "items");
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(fields, "fields");
    List<TableField<? super T>> all = new ArrayList<>();
    for (TableField<? super T> field : fields) {
      all.add(Objects.requireNonNull(field, "fields"));
    }
    return TableReader.read(() -> new ListRows<T>(items, all), options);
  }

  /**
   * Reads the rows of a database's answer, from the next one to the last. Roles that are not given
   * follow from the columns' types: numbers, dates, categories of short texts and booleans.
   *
   * @param rows stays the caller's to close
   * @param options which columns are what
   * @return the table, in memory
   * @throws IllegalArgumentException as for {@link #csv(Path, TableOptions)}, naming the row
   * @throws SQLException if the database throws one
   */
  public static Table resultSet(ResultSet rows, TableOptions options) throws SQLException {
    Objects.requireNonNull(rows, "rows");
    Objects.requireNonNull(options, "options");
    try {
      return TableReader.read(() -> new ResultSetRows(rows), options);
    } catch (ResultSetRows.Failure failure) {
      throw failure.error();
    }
  }

  /**
   * Returns the number of rows.
   *
   * @return at least 0
   */
  public int size() {
    return size;
  }

  /**
   * Returns the columns in the order of the header.
   *
   * @return names, roles and why
   */
  public List<TableColumn> columns() {
    return columns;
  }

  /**
   * Returns options that give each column the role, and each task the names, that it has here: for
   * another file of the same columns, whatever is in it.
   *
   * @return the options
   */
  public TableOptions options() {
    List<TableOptions.TaskColumns> fixed = new ArrayList<>();
    for (TableTask task : tasks) {
      List<String> names = new ArrayList<>();
      task.columns().forEach(column -> names.add(columns.get(data.indexOf(column)).name()));
      boolean isClasses = task.target().isClasses();
      fixed.add(
          new TableOptions.TaskColumns(
              task.target().task(),
              task.kind(),
              names,
              isClasses ? task.target().names() : List.of()));
    }
    return options.fixed(columns, fixed);
  }

  /**
   * Returns the tasks that the rows have answers to, with the names of labels, values or classes.
   *
   * @return one a task of the options
   */
  public List<Target> targets() {
    return tasks.stream().map(TableTask::target).toList();
  }

  /**
   * Returns a head that answers a task, with the names of its labels, values or classes.
   *
   * @param task a task of the options
   * @return a head of the task's kind, as {@link Head} makes it
   * @throws IllegalArgumentException if there is no such task
   */
  public Head head(String task) {
    return task(task).head();
  }

  /**
   * Returns the texts of a column of role text or id.
   *
   * @param column its name
   * @return a text a row, "" where it is blank
   * @throws IllegalArgumentException if there is no such column of such a role
   */
  public List<String> texts(String column) {
    int place = place(column);
    ColumnRole role = columns.get(place).role();
    if (role != ColumnRole.TEXT && role != ColumnRole.ID) {
      throw new IllegalArgumentException(
          "column \"" + column + "\": expected the role text or id, got " + TableColumn.word(role));
    }
    return IntStream.range(0, size).mapToObj(i -> data.get(place).text(row(i))).toList();
  }

  /**
   * Adds the answers of these rows to a data set that has the inputs: of the texts of a column,
   * say.
   *
   * @param data an example a row, in the same order
   * @return the data set with the targets of all tasks
   * @throws ShapeException if it has not as many examples
   */
  public Dataset withTargets(Dataset data) {
    if (Objects.requireNonNull(data, "data").size() != size) {
      throw new ShapeException(
          "data: expected " + size + " examples, one a row, got " + data.size());
    }
    Dataset labelled = data;
    for (TableTask task : tasks) {
      Target target = task.target();
      float[][] answers = new float[size][target.width()];
      int[] classes = new int[size];
      for (int i = 0; i < size; i++) {
        if (!task.read(row(i), answers[i], 0)) {
          Arrays.fill(answers[i], target.isClasses() ? -1 : Float.NaN);
        }
        classes[i] = (int) answers[i][0];
      }
      labelled =
          target.isClasses()
              ? Datasets.withClasses(labelled, target.task(), target.names(), classes)
              : Datasets.withTargets(labelled, target.task(), target.names(), answers);
    }
    return labelled;
  }

  /**
   * Picks rows, in the given order; one may occur several times.
   *
   * @param indices 0 to {@code size() - 1}
   * @return these rows
   * @throws IndexOutOfBoundsException if an index is out of range
   */
  public Table rows(int... indices) {
    int[] chosen = new int[Objects.requireNonNull(indices, "indices").length];
    for (int i = 0; i < chosen.length; i++) {
      chosen[i] = row(Objects.checkIndex(indices[i], size));
    }
    return new Table(columns, data, tasks, options, chosen, chosen.length);
  }

  /**
   * Splits at random; where there are answers, so that each class, and each yes and no of each
   * label, has its share in both parts as far as possible.
   *
   * @param fraction share of the first part, 0 to 1; rounded to a whole number of rows
   * @param seed of the choice
   * @return the two parts
   * @throws IllegalArgumentException if the fraction is out of range
   */
  public TableSplit split(double fraction, long seed) {
    Dataset numbers = new RowNumbers(this);
    return split(
        tasks.isEmpty()
            ? Datasets.split(numbers, fraction, seed)
            : Datasets.splitStratified(numbers, fraction, seed));
  }

  /**
   * Makes folds for cross-validation, as {@link #split} splits.
   *
   * @param k number of folds, 2 to {@code size()}
   * @param seed of the choice
   * @return {@code k} splits: {@code first()} is to train on, {@code second()} held out; each row
   *     is held out once
   * @throws IllegalArgumentException if the number is out of range
   */
  public List<TableSplit> folds(int k, long seed) {
    Dataset numbers = new RowNumbers(this);
    List<Split> folds =
        tasks.isEmpty()
            ? Datasets.folds(numbers, k, seed)
            : Datasets.foldsStratified(numbers, k, seed);
    return folds.stream().map(this::split).toList();
  }

  /**
   * Makes folds as {@link #folds(int, long)} does, that keep rows together: all of a patient, say,
   * are held out in one fold. See {@link Datasets#foldsGrouped}.
   *
   * @param k number of folds, at least 2, at most the number of different texts
   * @param column of role id or text: rows with the same text stay together, blank ones are alone
   * @param seed of the choice
   * @return {@code k} splits
   * @throws IllegalArgumentException if the number is out of range, or there is no such column
   */
  public List<TableSplit> folds(int k, String column, long seed) {
    List<@Nullable String> groups = new ArrayList<>(texts(column));
    groups.replaceAll(text -> text == null || text.isEmpty() ? null : text);
    List<Split> folds = Datasets.foldsGrouped(new RowNumbers(this), groups, k, seed);
    return folds.stream().map(this::split).toList();
  }

  /**
   * Counts the answers to each label: see {@link Datasets#statistics}.
   *
   * @return the counts; print them
   */
  public LabelStatistics statistics() {
    return Datasets.statistics(new RowNumbers(this));
  }

  private TableSplit split(Split split) {
    return new TableSplit(
        rows(RowNumbers.rows(split.first())), rows(RowNumbers.rows(split.second())));
  }

  private TableTask task(String name) {
    Objects.requireNonNull(name, "task");
    for (TableTask task : tasks) {
      if (task.target().task().equals(name)) {
        return task;
      }
    }
    throw new IllegalArgumentException(
        "task: expected that of one of " + targets() + ", got \"" + name + '"');
  }

  /** Returns the place of a column. */
  int place(String column) {
    Objects.requireNonNull(column, "column");
    List<String> names = columns.stream().map(TableColumn::name).toList();
    int place = names.indexOf(column);
    if (place < 0) {
      throw new IllegalArgumentException(
          "expected a column \"" + column + "\", got " + ColumnRules.brief(names));
    }
    return place;
  }

  ColumnData data(int column) {
    return data.get(column);
  }

  /** Returns the number of a column in a row of this table. */
  double number(int column, int index) {
    return data.get(column).number(row(index));
  }

  Cells cells() {
    return new Cells(options);
  }

  TableOptions readWith() {
    return options;
  }

  boolean readTarget(String task, int index, float[] destination, int offset) {
    return task(task).read(row(Objects.checkIndex(index, size)), destination, offset);
  }

  private int row(int index) {
    return rows == null ? index : rows[index];
  }

  /** Returns a line a column: name, role, blanks, and where the role comes from. */
  @Override
  public String toString() {
    int width = columns.stream().mapToInt(column -> column.name().length()).max().orElse(0);
    StringBuilder text = new StringBuilder("Table of " + size + (size == 1 ? " row" : " rows"));
    for (int c = 0; c < columns.size(); c++) {
      TableColumn column = columns.get(c);
      text.append(
          String.format(
              "%n  %-" + Math.max(1, width) + "s  %-8s  %s",
              column.name(),
              TableColumn.word(column.role()),
              column.reason() + blanks(c)));
    }
    return text.toString();
  }

  private String blanks(int column) {
    ColumnRole role = columns.get(column).role();
    if (role == ColumnRole.IGNORE) {
      return "";
    }
    boolean isText = role == ColumnRole.TEXT || role == ColumnRole.ID;
    ColumnData of = data.get(column);
    long blanks =
        IntStream.range(0, size)
            .map(this::row)
            .filter(row -> isText ? of.text(row).isEmpty() : Double.isNaN(of.number(row)))
            .count();
    return blanks == 0 ? "" : ", " + blanks + " blank";
  }
}

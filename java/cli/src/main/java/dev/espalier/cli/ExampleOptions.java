// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.data.PictureDataset;
import dev.espalier.data.Table;
import dev.espalier.data.TableField;
import dev.espalier.data.TableOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where examples are, and how they are read: a folder of pictures, or a CSV of rows or texts. */
final class ExampleOptions {
  private static final String FILE = "file";
  private static final String CLASS = "class";
  private static final Set<String> NAMES_OF_FILES =
      Set.of("file", "filename", "file_name", "path", "image", "picture", "photo");
  private static final int SHOWN = 5;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--file-column",
      paramLabel = "COLUMN",
      description = "Column of the pictures' file names. Default: one called file, else the first.")
  private String fileColumn;

  @Option(
      names = "--text",
      paramLabel = "COLUMN",
      description = "Column of the texts, if texts are the inputs.")
  private String textColumn;

  @Option(
      names = "--group",
      paramLabel = "COLUMN",
      description =
          "Column that says which examples belong together (a patient's number, say): all of them"
              + " are trained on, or none.")
  private String groupColumn;

  @Option(
      names = "--ignore",
      split = ",",
      paramLabel = "COLUMN",
      description = "Columns to leave out, by name or pattern.")
  private List<String> ignored = List.of();

  @Option(names = "--number", split = ",", paramLabel = "COLUMN", description = "Rows: numbers.")
  private List<String> numbers = List.of();

  @Option(
      names = "--category",
      split = ",",
      paramLabel = "COLUMN",
      description = "Rows: each one of a few texts. Other columns' roles are guessed and printed.")
  private List<String> categories = List.of();

  @Option(names = "--date", split = ",", paramLabel = "COLUMN", description = "Rows: days.")
  private List<String> dates = List.of();

  @Option(
      names = "--blanks",
      split = ",",
      paramLabel = "TEXT",
      description = "What means nothing, besides an empty field: --blanks '?,NA'.")
  private List<String> blanks = List.of();

  @Option(
      names = "--answers",
      paramLabel = "YES,NO",
      description = "More words for yes and no: --answers present,absent.")
  private String answers;

  @Option(
      names = "--separator",
      paramLabel = "CHARACTER",
      description = "What separates fields. Default: a comma.")
  private char separator = ',';

  String groupColumn() {
    return groupColumn;
  }

  /**
   * Reads the table of examples.
   *
   * @param data a folder of pictures, or a CSV
   * @param csv the CSV of the pictures, or null: subfolders are classes
   * @param asked the questions; none: what other columns are there, by {@code usual}
   */
  Examples read(Path data, Path csv, List<Question> asked, QuestionOptions usual) {
    if (!Files.exists(data)) {
      throw new CommandFailure(data + ": there is no such file or folder");
    }
    if (!Files.isDirectory(data)) {
      if (csv != null) {
        throw usage("expected a folder of pictures before the CSV, got the file " + data);
      }
      return ofCsv(
          textColumn == null ? Examples.Kind.ROWS : Examples.Kind.TEXTS, data, asked, usual);
    }
    if (textColumn != null) {
      throw usage("--text: expected a CSV, got the folder " + data);
    }
    return csv == null ? ofFolders(data, asked) : ofPictures(data, csv, asked, usual);
  }

  private Examples ofPictures(Path data, Path csv, List<Question> asked, QuestionOptions usual) {
    if (!Files.isRegularFile(csv)) {
      throw new CommandFailure(csv + ": there is no such CSV file");
    }
    String column = fileColumn == null ? fileColumn(headerOf(csv)) : fileColumn;
    List<Question> questions = asked.isEmpty() ? inferred(csv, column, usual) : asked;
    TableOptions options = withQuestions(options().ignore("*").text(column), questions);
    Table table = Table.csv(csv, options);
    requireFiles(table, column, data, csv);
    return new Examples(Examples.Kind.PICTURES, table, column, data, questions);
  }

  /** Looks at all names at once, before anything is decoded. */
  private static void requireFiles(Table table, String column, Path folder, Path csv) {
    List<String> missing =
        table.texts(column).stream()
            .filter(name -> !Files.isRegularFile(folder.resolve(name)))
            .toList();
    if (missing.isEmpty()) {
      return;
    }
    throw new CommandFailure(
        csv
            + ", column \""
            + column
            + "\": expected files of the folder "
            + folder
            + ", got "
            + missing.size()
            + " that are not there: "
            + String.join(", ", missing.subList(0, Math.min(SHOWN, missing.size())))
            + (missing.size() > SHOWN ? ", …" : ""));
  }

  private static String fileColumn(List<String> header) {
    return header.stream()
        .filter(name -> NAMES_OF_FILES.contains(name.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElse(header.get(0));
  }

  private Examples ofCsv(
      Examples.Kind kind, Path csv, List<Question> asked, QuestionOptions usual) {
    if (kind == Examples.Kind.ROWS) {
      if (asked.isEmpty()) {
        throw usage(
            "say what to learn, by --labels, --classes or --values; the columns of "
                + csv
                + " are "
                + String.join(", ", headerOf(csv)));
      }
      return new Examples(kind, Table.csv(csv, withQuestions(options(), asked)), "", csv, asked);
    }
    List<Question> questions = asked.isEmpty() ? inferred(csv, textColumn, usual) : asked;
    TableOptions options = withQuestions(options().ignore("*").text(textColumn), questions);
    return new Examples(kind, Table.csv(csv, options), textColumn, csv, questions);
  }

  /** A folder whose subfolders are the classes. */
  private Examples ofFolders(Path folder, List<Question> asked) {
    List<Path> files = PictureDataset.find(folder);
    if (files.isEmpty()) {
      throw new CommandFailure(
          folder + ": expected pictures (.jpg, .png, .webp, .bmp, .gif, .tif), got none");
    }
    if (!asked.isEmpty() && asked.get(0).kind() != dev.espalier.Task.Kind.CLASSES) {
      throw usage("expected a CSV of the answers behind the folder " + folder);
    }
    Question question =
        asked.isEmpty()
            ? new Question(CLASS, dev.espalier.Task.Kind.CLASSES, List.of(CLASS), List.of())
            : asked.get(0).in(CLASS);
    for (Path file : files) {
      if (folder.relativize(file).getNameCount() < 2) {
        throw new CommandFailure(
            folder
                + ": expected a CSV of answers, or pictures in subfolders, one for each class; got "
                + file);
      }
    }
    Table table =
        Table.of(
            files,
            question.addTo(TableOptions.defaults().text(FILE)),
            TableField.of(FILE, path -> folder.relativize(path).toString()),
            TableField.of(CLASS, path -> folder.relativize(path).getName(0).toString()));
    return new Examples(Examples.Kind.PICTURES, table, FILE, folder, List.of(question));
  }

  private List<Question> inferred(Path csv, String inputs, QuestionOptions usual) {
    Table texts = Table.csv(csv, form(TableOptions.defaults()).text("*"));
    List<String> others = new ArrayList<>(headerOf(csv));
    if (!others.remove(inputs)) {
      throw usage("expected a column of " + csv + ", one of " + others + ", got \"" + inputs + '"');
    }
    others.remove(groupColumn);
    others.removeIf(name -> ignored.stream().anyMatch(pattern -> matches(pattern, name)));
    if (others.isEmpty()) {
      throw new CommandFailure(
          csv + ": expected columns of answers beside \"" + inputs + "\", got none");
    }
    Function<String, String> other = column -> notAnswer(texts.texts(column));
    List<String> odd = others.stream().filter(column -> other.apply(column) != null).toList();
    if (odd.isEmpty()) {
      return List.of(usual.labels(others));
    }
    if (others.size() == 1) {
      return List.of(usual.classes(others.get(0)));
    }
    throw new CommandFailure(
        csv
            + ", column \""
            + odd.get(0)
            + "\": expected yes or no, 1 or 0, or nothing, got \""
            + other.apply(odd.get(0))
            + "\"; leave it out (--ignore "
            + odd.get(0)
            + "), or say what to learn (--labels, --classes, --values)");
  }

  private static boolean matches(String pattern, String name) {
    String expression = java.util.regex.Pattern.quote(pattern).replace("*", "\\E.*\\Q");
    return name.matches(expression);
  }

  /** Returns a text that does not answer a question of yes or no, or null. */
  private String notAnswer(List<String> texts) {
    Set<String> words = new java.util.HashSet<>(Set.of("", "yes", "no", "true", "false"));
    if (answers != null) {
      words.addAll(List.of(answers.toLowerCase(Locale.ROOT).split(",")));
    }
    for (String text : texts) {
      if (!words.contains(text.strip().toLowerCase(Locale.ROOT)) && !isShare(text)) {
        return text;
      }
    }
    return null;
  }

  private static boolean isShare(String text) {
    try {
      double number = Double.parseDouble(text);
      return number >= 0 && number <= 1;
    } catch (NumberFormatException notNumber) {
      return false;
    }
  }

  private List<String> headerOf(Path csv) {
    return Table.csv(csv, form(TableOptions.defaults()).text("*")).columns().stream()
        .map(column -> column.name())
        .toList();
  }

  private TableOptions withQuestions(TableOptions options, List<Question> questions) {
    TableOptions all = options;
    for (Question question : questions) {
      all = question.addTo(all);
    }
    return all;
  }

  private TableOptions options() {
    TableOptions options = form(TableOptions.defaults());
    options = with(options, numbers, options::number);
    options = with(options, categories, options::category);
    options = with(options, dates, options::date);
    options = with(options, ignored, options::ignore);
    return groupColumn == null ? options : options.id(groupColumn);
  }

  private static TableOptions with(
      TableOptions options, List<String> columns, Function<String[], TableOptions> role) {
    return columns.isEmpty() ? options : role.apply(columns.toArray(String[]::new));
  }

  private TableOptions form(TableOptions options) {
    TableOptions form = options.separator(separator);
    if (!blanks.isEmpty()) {
      form = form.blanks(blanks.toArray(String[]::new));
    }
    if (answers != null) {
      String[] words = answers.split(",");
      if (words.length != 2) {
        throw usage("--answers: expected two words as present,absent, got \"" + answers + '"');
      }
      form = form.answers(words[0], words[1]);
    }
    return form;
  }

  private ParameterException usage(String message) {
    return new ParameterException(command.commandLine(), message);
  }
}

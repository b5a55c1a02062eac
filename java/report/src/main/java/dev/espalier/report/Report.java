// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.AdaptationReport;
import dev.espalier.CheckReturnValue;
import dev.espalier.Dataset;
import dev.espalier.Evaluation;
import dev.espalier.History;
import dev.espalier.Network;
import dev.espalier.Task;
import dev.espalier.advice.LabelRegime;
import dev.espalier.advice.SharingResult;
import dev.espalier.advice.SuspectAnswer;
import dev.espalier.advice.TransferResult;
import java.awt.image.BufferedImage;
import java.nio.file.CopyOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A page in one file, which shows without a network what was trained and how well it answers; and
 * the same numbers as JSON. Immutable; each addition returns a changed copy, made when it is
 * called: networks and data sets may be closed before the page is written.
 *
 * <pre>{@code
 * Report.of(network).title("Findings")
 *     .adaptation(adapted.report())
 *     .evaluation("Test pictures", test, Examples.inputs().occlude(8))
 *     .write(Path.of("report.html"));
 * }</pre>
 *
 * <p>Names, labels and texts may have any signs in them: the page shows them, and runs nothing of
 * them.
 *
 * <p><b>Threads.</b> Any number may use one report; of a network and a data set, what those say.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Report {
  private static final String AUGMENTATION = "What training sees";

  private final String title;
  private final String subtitle;
  private final @Nullable Network network;
  private final List<Section> sections;

  private Report(String title, String subtitle, @Nullable Network network, List<Section> sections) {
    this.title = title;
    this.subtitle = subtitle;
    this.network = network;
    this.sections = sections;
  }

  /**
   * Starts a report with what a network is made of.
   *
   * @param network also what {@link #evaluation(String, Dataset)} asks; stays the caller's to close
   * @return a report titled by its tasks
   * @throws dev.espalier.ClosedException if it is closed
   */
  public static Report of(Network network) {
    Section section = NetworkSection.of(Objects.requireNonNull(network, "network"));
    String title = String.join(", ", network.tasks().stream().map(Task::name).toList());
    return new Report(title.isEmpty() ? "Network" : title, "", network, List.of(section));
  }

  /**
   * Starts a report without a network.
   *
   * @param title its title
   * @return an empty report
   */
  public static Report titled(String title) {
    return new Report(Objects.requireNonNull(title, "title"), "", null, List.of());
  }

  /**
   * Sets the title.
   *
   * @param title of the page
   * @return changed report
   */
  public Report title(String title) {
    return new Report(Objects.requireNonNull(title, "title"), subtitle, network, sections);
  }

  /**
   * Sets the line below the title: machine, date, versions. Default: none, so that the same results
   * make the same file.
   *
   * @param subtitle a line
   * @return changed report
   */
  public Report subtitle(String subtitle) {
    return new Report(title, Objects.requireNonNull(subtitle, "subtitle"), network, sections);
  }

  /**
   * Adds the learning curves of a training.
   *
   * @param history what {@link dev.espalier.Trainer#fit} returned
   * @return changed report
   */
  public Report history(History history) {
    return history("Training", history);
  }

  /**
   * Adds the learning curves of a training.
   *
   * @param title of the section
   * @param history what {@link dev.espalier.Trainer#fit} returned
   * @return changed report
   */
  public Report history(String title, History history) {
    return section(HistorySection.of(title, Objects.requireNonNull(history, "history")));
  }

  /**
   * Adds what an adaptation tried, what it chose and why, and the learning curves of that.
   *
   * @param report of {@link dev.espalier.Adapted#report}
   * @return changed report
   */
  public Report adaptation(AdaptationReport report) {
    return section(AdaptationSection.of("Adaptation", Objects.requireNonNull(report, "report")));
  }

  /**
   * Adds a contact sheet of an augmentation: the first six pictures as they are, and as training
   * sees them in its first five epochs. The lowest value of those that are not changed is black,
   * the highest white.
   *
   * @param data pictures of one or three channels, as they are
   * @param augmented what the network trains on: the same pictures, changed anew in each epoch
   * @return changed report
   * @throws IllegalArgumentException if they are no such pictures, or not as many, or of another
   *     shape
   */
  public Report augmentation(Dataset data, Dataset augmented) {
    return section(
        AugmentationSection.of(
            AUGMENTATION,
            Objects.requireNonNull(data, "data"),
            Objects.requireNonNull(augmented, "augmented")));
  }

  /**
   * Adds a contact sheet of an augmentation, as {@link #augmentation(Dataset, Dataset)}.
   *
   * @param data examples as they are
   * @param augmented what the network trains on: the same examples, changed anew in each epoch
   * @param pictures draws an input: {@code reader::show} of a {@code PictureReader}, say
   * @return changed report
   * @throws IllegalArgumentException if they are not as many, or of another shape
   */
  public Report augmentation(
      Dataset data, Dataset augmented, Function<float[], BufferedImage> pictures) {
    return section(
        AugmentationSection.of(
            AUGMENTATION,
            Objects.requireNonNull(data, "data"),
            Objects.requireNonNull(augmented, "augmented"),
            Objects.requireNonNull(pictures, "pictures")));
  }

  /**
   * Adds metrics that were computed before.
   *
   * @param title of the section
   * @param evaluation of any network
   * @return changed report
   */
  public Report evaluation(String title, Evaluation evaluation) {
    return section(EvaluationSection.of(title, Objects.requireNonNull(evaluation, "evaluation")));
  }

  /**
   * Adds how well the network answers, as {@link #evaluation(String, Dataset, Examples)} with
   * {@link Examples#inputs()}.
   *
   * @param title of the section
   * @param data examples with known answers, none that it was trained on
   * @return changed report
   */
  public Report evaluation(String title, Dataset data) {
    return evaluation(title, data, Examples.inputs());
  }

  /**
   * Adds how well the network answers: all metrics, and for up to 60 labels or classes of a task
   * (those with the most known answers) a card with known and blank answers, ROC, precision and
   * recall by threshold, reliability of its probabilities, and the wrong answers that it is the
   * most sure of; which labels go together; which classes are taken for which.
   *
   * @param title of the section
   * @param data examples with known answers, none that it was trained on; read twice
   * @param examples how to show single ones
   * @return changed report
   * @throws IllegalStateException if the report was started without a network
   * @throws IllegalArgumentException if data and network do not fit, as for {@link
   *     Network#evaluate}, or the examples cannot be shown as asked
   */
  public Report evaluation(String title, Dataset data, Examples examples) {
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(data, "data");
    Objects.requireNonNull(examples, "examples");
    if (network == null) {
      throw new IllegalStateException(
          "evaluation: expected a report of a network, got one without; start with Report.of");
    }
    return section(EvaluationSection.of(title, network, data, examples));
  }

  /**
   * Adds whether transfer helps: verdict, differences with intervals, learning curves, layers.
   *
   * @param result of a {@link dev.espalier.advice.TransferStudy}
   * @return changed report
   */
  public Report study(TransferResult result) {
    return section(
        StudySections.of("Does transfer help?", Objects.requireNonNull(result, "result")));
  }

  /**
   * Adds whether to share a network: verdict, differences with intervals, what each way costs.
   *
   * @param result of a {@link dev.espalier.advice.SharingStudy}
   * @return changed report
   */
  public Report study(SharingResult result) {
    return section(
        StudySections.of("One network or several?", Objects.requireNonNull(result, "result")));
  }

  /**
   * Adds what the answers to each label allow to learn and to measure, and what to do.
   *
   * @param regime of the data set
   * @return changed report
   */
  public Report regime(LabelRegime regime) {
    return section(
        LabelSections.of("How labels are answered", Objects.requireNonNull(regime, "regime")));
  }

  /**
   * Adds which answers look wrong.
   *
   * @param suspects as many as are to be shown, of {@link dev.espalier.advice.LabelAdvice#suspects}
   * @return changed report
   */
  public Report suspects(List<SuspectAnswer> suspects) {
    return section(
        LabelSections.of("Answers that look wrong", Objects.requireNonNull(suspects, "suspects")));
  }

  /**
   * Adds what any other study compared, as a section of its own.
   *
   * @param comparison rows with intervals, and a verdict
   * @return changed report
   */
  public Report comparison(Comparison comparison) {
    Objects.requireNonNull(comparison, "comparison");
    return section(Section.titled(comparison.title()).comparison(comparison));
  }

  /**
   * Adds anything else.
   *
   * @param section what one has to say
   * @return changed report
   */
  public Report section(Section section) {
    List<Section> all = new ArrayList<>(sections);
    all.add(Objects.requireNonNull(section, "section"));
    return new Report(title, subtitle, network, List.copyOf(all));
  }

  /**
   * Returns the page.
   *
   * @return HTML in one piece: 1.1 MB of it are the chart library
   */
  public String html() {
    return Page.of(data());
  }

  /**
   * Returns all numbers of the page, without its pictures.
   *
   * @return JSON: {@code title}, {@code subtitle}, and {@code sections} of blocks with a {@code
   *     kind} each, in the order of the page; what is undefined is null
   */
  public String json() {
    return JsonText.of(withoutPictures(data()), true);
  }

  /**
   * Writes the page.
   *
   * @param file a new file in a folder that exists
   * @param options {@link StandardCopyOption#REPLACE_EXISTING} to write over a file, or none
   * @throws java.io.UncheckedIOException if the file exists already, or cannot be written
   * @throws IllegalArgumentException if there is another option
   */
  public void write(Path file, CopyOption... options) {
    Objects.requireNonNull(file, "file");
    NewFile.write(file, html(), options);
  }

  /**
   * Writes {@link #json}.
   *
   * @param file a new file in a folder that exists
   * @param options {@link StandardCopyOption#REPLACE_EXISTING} to write over a file, or none
   * @throws java.io.UncheckedIOException if the file exists already, or cannot be written
   * @throws IllegalArgumentException if there is another option
   */
  public void writeJson(Path file, CopyOption... options) {
    Objects.requireNonNull(file, "file");
    NewFile.write(file, json(), options);
  }

  private Map<String, Object> data() {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("title", title);
    data.put("subtitle", subtitle);
    data.put("sections", sections.stream().map(Section::data).toList());
    return data;
  }

  private static @Nullable Object withoutPictures(@Nullable Object value) {
    if (value instanceof Map<?, ?> map) {
      Map<String, @Nullable Object> copy = new LinkedHashMap<>();
      map.forEach(
          (key, element) -> {
            if (!key.equals("picture")) {
              copy.put((String) key, withoutPictures(element));
            }
          });
      return copy;
    }
    if (value instanceof List<?> list) {
      List<@Nullable Object> copy = new ArrayList<>();
      list.forEach(element -> copy.add(withoutPictures(element)));
      return copy;
    }
    return value;
  }

  /** Returns the title and the sections. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(title);
    sections.forEach(section -> text.append("\n  ").append(section));
    return text.toString();
  }
}

// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AnswerSheetTest {
  private static final float NONE = Float.NaN;

  @TempDir Path folder;

  private static Dataset data(List<String> names) {
    float[][] answers = {{1, NONE}, {NONE, NONE}, {0.25f, 0}, {NONE, 1}};
    return Datasets.withTargets(
        Datasets.withoutTargets(Datasets.of(LabelAdviceTest.groups(4), answers)),
        "",
        names,
        answers);
  }

  private static OpenAnswer question(int example, String label) {
    return new OpenAnswer(example, label, "yes", 0.7, 0.1);
  }

  @Test
  void asksWithAQuestionMark() throws IOException {
    LabelAdvice advice = LabelAdvice.of(data(List.of("cat", "dog, or wolf")));
    Path file = folder.resolve("next.csv");
    advice.writeSheet(
        file,
        List.of(question(1, "cat"), question(0, "dog, or wolf"), question(3, "cat")),
        List.of("a.png", "=cmd|' /C calc'!A0", "c.png", "the \"fourth\"\n"));
    assertEquals(
        "example,id,cat,\"dog, or wolf\"\r\n"
            + "1,'=cmd|' /C calc'!A0,?,\r\n"
            + "0,a.png,1,?\r\n"
            + "3,\"the \"\"fourth\"\"\n\",?,1\r\n",
        Files.readString(file));
    String message =
        assertThrows(
                UncheckedIOException.class,
                () -> advice.writeSheet(file, List.of(question(1, "cat")), List.of()))
            .getMessage();
    assertTrue(message.endsWith("expected no file yet, got one that is there already"), message);
    assertTrue(Files.readString(file).startsWith("example,id,cat"));
  }

  @Test
  void labelsMayHaveAnyName() throws IOException {
    LabelAdvice advice = LabelAdvice.of(data(List.of("example", "+1")));
    Path file = folder.resolve("next.csv");
    advice.writeSheet(file, advice.nextExamples(1), List.of());
    assertEquals("example_,example,'+1", Files.readString(file).lines().findFirst().orElseThrow());
  }

  @Test
  void writesSuspects() throws IOException {
    LabelAdvice advice = LabelAdvice.of(data(List.of("cat", "dog")));
    Path file = folder.resolve("wrong.csv");
    advice.writeSuspects(
        file,
        List.of(new SuspectAnswer(2, "dog", "no", "yes", 0.12345, true)),
        List.of("a", "b", "-3", "@d"));
    assertEquals(
        "example,id,label,given,instead,probability,contradicted\r\n"
            + "2,-3,dog,no,yes,0.1235,yes\r\n",
        Files.readString(file));
  }

  @Test
  void asksForClasses() throws IOException {
    Dataset classes = Datasets.ofClasses(LabelAdviceTest.groups(5), new int[] {0, 1, -1, 1, -1});
    LabelAdvice advice = LabelAdvice.of(classes);
    Path file = folder.resolve("classes.csv");
    advice.writeSheet(file, List.of(advice.nextExamples(1).get(0)), List.of());
    assertTrue(Files.readString(file).matches("example,class\r\n[24],\\?\r\n"));
  }

  @Test
  void refusesWhatIsNotOfThisDataSet() {
    LabelAdvice advice = LabelAdvice.of(data(List.of("cat", "dog")));
    Path file = folder.resolve("none.csv");
    for (OpenAnswer wrong :
        List.of(question(4, "cat"), question(-1, "cat"), question(0, "cat"), question(0, "cow"))) {
      assertThrows(
          IllegalArgumentException.class, () -> advice.writeSheet(file, List.of(wrong), List.of()));
    }
    assertThrows(
        IllegalArgumentException.class, () -> advice.writeSheet(file, List.of(), List.of("one")));
    Path missing = folder.resolve("no/such/folder.csv");
    assertThrows(
        UncheckedIOException.class, () -> advice.writeSheet(missing, List.of(), List.of()));
    assertTrue(Files.notExists(file));
  }
}

// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import dev.espalier.ShapeException;
import dev.espalier.Target;
import dev.espalier.Trainer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PictureDatasetTest {
  private static final PictureReader READER = PictureReader.of(Shape.image(3, 6, 5));
  private static final PictureOptions NOTHING_KEPT = PictureOptions.defaults().cacheBudget(0);

  @TempDir private Path folder;

  private Path write(String name, long seed) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.write(file, PictureFiles.encoded(PictureFiles.noise(9, 7, seed), "png"));
  }

  private List<Path> write(int count) throws IOException {
    List<Path> files = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      files.add(write(i + ".png", i));
    }
    return files;
  }

  private String refused(Runnable call) {
    return assertThrows(IllegalArgumentException.class, call::run).getMessage();
  }

  @Test
  void subfoldersAreClasses() throws IOException {
    write("dog/b.PNG", 1);
    write("dog/tall/a.png", 2);
    write("cat/z.png", 3);
    write("cat/.hidden.png", 4);
    write(".trash/x.png", 5);
    Files.writeString(folder.resolve("cat/notes.txt"), "not a picture");
    Files.writeString(folder.resolve("README"), "not a picture");
    PictureDataset data = PictureDataset.folder(READER, folder);
    assertEquals(List.of(Target.classes("", List.of("cat", "dog"))), data.targets());
    assertEquals(
        List.of("cat/z.png", "dog/b.PNG", "dog/tall/a.png"),
        data.files().stream().map(file -> folder.relativize(file).toString()).toList());
    assertArrayEquals(new float[] {0}, Datasets.target(data, "", 0));
    assertArrayEquals(new float[] {1}, Datasets.target(data, "", 2));
    assertArrayEquals(READER.read(data.files().get(1)), Datasets.input(data, 1));
    assertTrue(data.isStable());
    assertEquals("3 pictures [3, 6, 5] with classes [cat, dog]", data.toString());
  }

  @Test
  void foldersThatAreNoneOfThisKindAreNamed() throws IOException {
    assertTrue(
        refused(() -> PictureDataset.folder(READER, folder)).contains("expected subfolders"));
    Files.createDirectory(folder.resolve("cat"));
    write("dog/a.png", 1);
    String message = refused(() -> PictureDataset.folder(READER, folder));
    assertTrue(message.startsWith(folder.resolve("cat") + ": expected pictures"), message);
    Path beside = write("beside.png", 1);
    message = refused(() -> PictureDataset.folder(READER, folder));
    assertTrue(message.contains("in subfolders") && message.contains(beside.toString()), message);
    message =
        assertThrows(UncheckedIOException.class, () -> PictureDataset.folder(READER, beside))
            .getMessage();
    assertTrue(message.contains("got a file"), message);
    message =
        assertThrows(
                UncheckedIOException.class,
                () -> PictureDataset.folder(READER, folder.resolve("none")))
            .getMessage();
    assertTrue(message.contains("no such folder"), message);
  }

  @Test
  void linksAreFollowedAndLoopsAreNamed() throws IOException {
    Path file = write("elsewhere/a.png", 1);
    Path pictures = folder.resolve("pictures");
    Files.createDirectories(pictures.resolve("cat"));
    Files.createSymbolicLink(pictures.resolve("cat/link.png"), file);
    Files.createSymbolicLink(pictures.resolve("dog"), file.getParent());
    assertEquals(2, PictureDataset.folder(READER, pictures).size());
    Files.createSymbolicLink(pictures.resolve("cat/loop"), pictures);
    String message =
        assertThrows(UncheckedIOException.class, () -> PictureDataset.folder(READER, pictures))
            .getMessage();
    assertTrue(message.contains("Loop"), message);
  }

  @Test
  void brokenFilesAreNamedOrLeftOut() throws IOException {
    List<Path> files = new ArrayList<>(write(4));
    Files.writeString(files.get(1), "no picture");
    Files.delete(files.get(2));
    files.add(folder); // a folder
    Target target = Target.numbers("", List.of("a"));
    float[][] answers = {{0}, {1}, {0}, {1}, {Float.NaN}};
    PictureOptions two = PictureOptions.defaults().skipBroken(2);
    String message = refused(() -> PictureDataset.of(READER, files, target, answers, two));
    assertTrue(message.startsWith("expected at most 2 broken pictures"), message);
    for (int i : new int[] {1, 2, 4}) {
      assertTrue(message.contains("\n  " + files.get(i) + ": "), message);
    }
    PictureDataset data = PictureDataset.of(READER, files, target, answers, two.skipBroken(3));
    assertEquals(List.of(files.get(0), files.get(3)), data.files());
    assertEquals(
        List.of(files.get(1), files.get(2), files.get(4)),
        data.broken().stream().map(BrokenPicture::file).toList());
    assertArrayEquals(new float[] {1}, Datasets.target(data, "", 1), "stays with its picture");
    assertTrue(data.toString().endsWith("3 broken ones left out"), data.toString());
    message = refused(() -> PictureDataset.of(READER, List.of(folder), target, answers(1), two));
    assertTrue(message.contains("one that is not"), message);
  }

  private static float[][] answers(int count) {
    return new float[count][1];
  }

  @Test
  void tablesNameFilesAndAnswers() throws IOException {
    write("a/0.png", 0);
    write("1.png", 1);
    write("2.png", 2);
    Path csv =
        Files.writeString(
            folder.resolve("labels.csv"),
            "file,cat,outdoors,kind\n"
                + "2.png,yes,,big\n"
                + "a/0.png,,1,\n"
                + "none.png,0,0,big\n"
                + "1.png,no,yes,small\n");
    Table table =
        Table.csv(
            csv,
            TableOptions.defaults()
                .text("file")
                .labels("about", "cat", "outdoors")
                .classes("size", "kind"));
    PictureDataset data =
        PictureDataset.of(READER, table, "file", folder, PictureOptions.defaults().skipBroken(1));
    assertEquals(3, data.size());
    assertEquals(table.targets(), data.targets());
    assertArrayEquals(READER.read(folder.resolve("2.png")), Datasets.input(data, 0));
    assertArrayEquals(new float[] {1, Float.NaN}, Datasets.target(data, "about", 0));
    assertArrayEquals(new float[] {Float.NaN, 1}, Datasets.target(data, "about", 1));
    assertArrayEquals(new float[] {0, 1}, Datasets.target(data, "about", 2));
    assertArrayEquals(new float[] {-1}, Datasets.target(data, "size", 1));
    assertArrayEquals(new float[] {1}, Datasets.target(data, "size", 2), "small, not none.png's");
    Files.writeString(csv, "file,cat\n2.png,yes\n,no\n");
    Table blank = Table.csv(csv, TableOptions.defaults().text("file").labels("", "cat"));
    String message =
        refused(() -> PictureDataset.of(READER, blank, "file", folder, PictureOptions.defaults()));
    assertTrue(message.contains("got none in row 1"), message);
  }

  @Test
  void wrongArgumentsAreNamed() throws IOException {
    List<Path> files = write(2);
    Target target = Target.numbers("", 1);
    PictureOptions options = PictureOptions.defaults();
    assertTrue(refused(() -> PictureDataset.of(READER, List.of())).contains("at least one"));
    assertThrows(
        ShapeException.class, () -> PictureDataset.of(READER, files, target, answers(3), options));
    assertThrows(
        ShapeException.class,
        () -> PictureDataset.of(READER, files, target, new float[2][2], options));
    assertThrows(IllegalArgumentException.class, () -> options.skipBroken(-1));
    assertThrows(IllegalArgumentException.class, () -> options.cacheBudget(-1));
    assertThrows(IllegalArgumentException.class, () -> options.threads(0));
    PictureDataset data = PictureDataset.of(READER, files);
    assertThrows(IndexOutOfBoundsException.class, () -> Datasets.input(data, 2));
    assertThrows(IllegalArgumentException.class, () -> data.readTarget("x", 0, new float[1], 0));
  }

  @Test
  void bitsDoNotDependOnThreadsOrOnWhatIsKept() throws IOException {
    List<Path> files = write(40);
    float[][] expected = files.stream().map(READER::read).toArray(float[][]::new);
    long three = 3 * 2 * READER.inputShape().size();
    for (int threads : new int[] {1, 2, 7}) {
      for (long budget : new long[] {0, three, Long.MAX_VALUE}) {
        PictureDataset data =
            PictureDataset.of(
                READER,
                files,
                Target.numbers("", 1),
                answers(40),
                PictureOptions.defaults().threads(threads).cacheBudget(budget));
        IntStream.range(0, 400)
            .parallel()
            .forEach(i -> assertArrayEquals(expected[i % 40], Datasets.input(data, i % 40)));
      }
    }
  }

  @Test
  void whatIsGoneMeanwhileIsNamed() throws IOException {
    List<Path> files = write(3);
    PictureDataset data =
        PictureDataset.of(READER, files, Target.numbers("", 1), answers(3), NOTHING_KEPT);
    Files.delete(files.get(1));
    String message =
        assertThrows(UncheckedIOException.class, () -> Datasets.input(data, 1)).getMessage();
    assertTrue(message.contains(files.get(1).toString()), message);
    assertEquals(90, Datasets.input(data, 2).length);
  }

  @Test
  void whatIsExpectedIsDecodedAhead() throws Exception {
    List<Path> files = write(6);
    float[][] expected = files.stream().map(READER::read).toArray(float[][]::new);
    PictureDataset data =
        PictureDataset.of(READER, files, Target.numbers("", 1), answers(6), NOTHING_KEPT);
    Datasets.subset(data, 5, 3, 1).expect(new int[] {0, 1, 2, 1});
    for (int i = 0; data.decodedAhead() < 3; i++) {
      assertTrue(i < 10_000, "decoded ahead: " + data.decodedAhead());
      Thread.sleep(10);
    }
    for (Path file : files) {
      Files.delete(file);
    }
    for (int i : new int[] {1, 3, 5}) {
      assertArrayEquals(expected[i], Datasets.input(data, i));
      assertThrows(UncheckedIOException.class, () -> Datasets.input(data, i), "given away");
    }
    data.expect(new int[] {0, 2});
    data.expect(new int[0]);
    assertEquals(0, data.decodedAhead());
    assertThrows(UncheckedIOException.class, () -> Datasets.input(data, 0));
  }

  @Test
  void trainsAndPredictsOnTheSameBits() throws IOException {
    List<Path> files = write(24);
    Target target = Target.numbers("", List.of("even"));
    float[][] answers = new float[24][];
    for (int i = 0; i < 24; i++) {
      answers[i] = new float[] {i % 3 == 0 ? Float.NaN : i % 2};
    }
    float[][] said = new float[2][];
    for (int run = 0; run < 2; run++) {
      PictureOptions options = run == 0 ? PictureOptions.defaults() : NOTHING_KEPT.threads(3);
      PictureDataset data = PictureDataset.of(READER, files, target, answers, options);
      Dataset few = Datasets.shuffle(data, 1);
      try (Network network =
          Network.builder(READER.inputShape())
              .conv2d("conv", 4, 3)
              .relu()
              .head("odd", Head.labels("even"))
              .build(1)) {
        Trainer.of(network)
            .optimizer(AdamW.withLearningRate(1e-2))
            .batchSize(5)
            .epochs(3)
            .fit(Datasets.forTask(few, "odd"));
        try (Predictor predictor = network.predictor()) {
          said[run] = predictor.predict(READER.read(files.get(5)));
          assertArrayEquals(said[run], predictor.predict(Datasets.input(data, 5)));
        }
      }
    }
    assertArrayEquals(said[0], said[1]);
  }
}

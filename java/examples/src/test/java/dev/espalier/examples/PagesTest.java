// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.History;
import dev.espalier.Network;
import dev.espalier.Trainer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Pages of made-up results: what the demonstrations take minutes to come to. */
class PagesTest {
  private static final Spread SPREAD = new Spread(0.8, 0.1);

  private static <S> Map<String, Map<String, S>> scores(
      S score, List<String> sizes, String... ways) {
    Map<String, Map<String, S>> scores = new LinkedHashMap<>();
    for (String size : sizes) {
      Map<String, S> ofSize = new LinkedHashMap<>();
      for (String way : ways) {
        ofSize.put(way, score);
      }
      scores.put(size, ofSize);
    }
    return scores;
  }

  private static History history() {
    var data = Datasets.ofClasses(new float[][] {{0}, {1}}, new int[] {0, 1});
    try (Network network =
        Network.builder(data.inputShape()).head("garment", Head.classes(2)).build(1)) {
      return Trainer.of(network).epochs(2).validation(data).fit(data);
    }
  }

  @Test
  void garments() {
    String[] ways = {"scratch", "frozen", "fine_tuned", "fine_tuned_at_once", "missing_as_no"};
    GarmentPage page = new GarmentPage();
    page.pretraining(history(), 0.9);
    var attributes =
        scores(new AttributeTransfer.Score(SPREAD, SPREAD), List.of("20", "100", "500"), ways);
    page.transfer(
        Map.of("worn on feet", List.of("Sneaker")),
        attributes,
        Verdicts.attributes(attributes),
        Map.of("worn on feet", new double[][] {{1, 0.5}, {2, 0.75}}));
    page.unseen(List.of("Pullover", "Ankle boot"), attributes.get("20"));
    var hurts = scores(SPREAD, List.of("five kinds of garment → the other five"), ways);
    page.hurts(hurts, Verdicts.hurts(hurts.values().iterator().next(), null));
    var several =
        scores(
            new OneOrSeveral.Score(SPREAD, SPREAD, 1000, 500, 12.5),
            List.of("1000"),
            "shared_width1",
            "shared_width2",
            "separate",
            "shared_missing_as_no",
            "shared_fully_labelled");
    page.oneOrSeveral(List.of(), several, Verdicts.oneOrSeveral(several.get("1000"), 0.3));
    page.serving(
        Map.of("p50_us", 5.0, "p99_us", 6.0, "bytes_per_call", 0L, "reload_bit_identical", true));
    String json = page.report(1).json();
    for (String said :
        List.of(
            "90.0 %",
            "1. Pre-train",
            "share of wrong answers from 20 labelled pictures (from scratch: 0.800)",
            "four networks, width 1",
            "0.800 ± 0.100",
            "bit-identical",
            "This is not what was expected.")) {
      assertTrue(json.contains(said), said);
    }
  }

  @Test
  void photographs() {
    PhotographPage page = new PhotographPage();
    page.task(Map.of("pool", 200, "validation", 100, "test", 100));
    StampTransfer.Cut cut = new StampTransfer.Cut("block_12", 96, SPREAD, SPREAD);
    page.cuts(List.of(cut), cut);
    var scores =
        scores(
            new StampTransfer.Score(SPREAD, SPREAD),
            List.of("20", "200"),
            "scratch",
            "random_trunk",
            "frozen",
            "fine_tuned",
            "missing_as_no");
    page.gain(scores, Verdicts.stamps(scores));
    page.answered(List.of());
    String json = page.report(1).json();
    assertTrue(json.contains("200 to learn from, 100 for validation, 100 for tests."));
    assertTrue(json.contains("\"block_12\", 96, \"0.800 ± 0.100\""), json);
  }
}

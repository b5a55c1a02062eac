// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Head;
import dev.espalier.Network;
import java.util.function.LongFunction;

/**
 * One way to get from few labelled pictures to answers.
 *
 * @param key its name in result.json
 * @param countsMissingAsNo true for the wrong way: hidden answers become "no"
 * @param training how the network is trained
 * @param make a network to train, from a seed
 */
record Arm(String key, boolean countsMissingAsNo, Training training, LongFunction<Network> make) {
  /** In which order the parts of a network are trained. */
  enum Training {
    /** All at once, at one rate: nothing is transferred. */
    FROM_SCRATCH,
    /** All that is not frozen at once, transferred layers at lower rates the deeper they lie. */
    ONCE,
    /** By the library's usual settings: heads alone, heads first and then all, or all at once. */
    HEAD_FIRST
  }

  /** A new network of the backbone's form: nothing is transferred. */
  static Arm scratch(String task, Head head) {
    return new Arm(
        "scratch",
        false,
        Training.FROM_SCRATCH,
        seed -> Pretraining.backbone().head(task, head).build(seed));
  }

  /** The pre-trained backbone kept as it is, under a new head. */
  static Arm frozen(Network pretrained, String task, Head head) {
    return new Arm(
        "frozen", false, Training.ONCE, seed -> graft(pretrained, task, head, true, seed));
  }

  /** The pre-trained backbone under a new head, adapted as validation says. */
  static Arm fineTuned(Network pretrained, String task, Head head) {
    return new Arm(
        "fine_tuned",
        false,
        Training.HEAD_FIRST,
        seed -> graft(pretrained, task, head, true, seed));
  }

  /** The pre-trained backbone under a new head, all of it trained at once. */
  static Arm fineTunedAtOnce(Network pretrained, String task, Head head) {
    return new Arm(
        "fine_tuned_at_once",
        false,
        Training.ONCE,
        seed -> graft(pretrained, task, head, false, seed));
  }

  /** As frozen, with missing counted as no. */
  static Arm missingAsNo(Network pretrained, String task, Head head) {
    return new Arm(
        "missing_as_no", true, Training.ONCE, seed -> graft(pretrained, task, head, true, seed));
  }

  private static Network graft(
      Network pretrained, String task, Head head, boolean frozen, long seed) {
    var plan = pretrained.transfer().dropHead("garment").head(task, head);
    return (frozen ? plan.freezeThrough("features") : plan).build(seed);
  }
}

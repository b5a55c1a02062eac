// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Dataset;
import dev.espalier.Network;
import dev.espalier.Target;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of all that a result depends on: what has the same one has the same bits. */
final class Fingerprint {
  private final MessageDigest digest;

  Fingerprint() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java platform has SHA-256", impossible);
    }
  }

  /** Adds texts; each with its length, so that no two lists give the same bytes. */
  Fingerprint add(Object... texts) {
    for (Object text : texts) {
      byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
      digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
      digest.update(bytes);
    }
    return this;
  }

  /** Adds a network: form, parameters, heads. */
  Fingerprint add(Network network) {
    network.save(new DigestOutputStream(OutputStream.nullOutputStream(), digest));
    return this;
  }

  /** Adds all examples, as they are in an epoch of training where that is not always the same. */
  Fingerprint add(Dataset data) {
    addExamples(data);
    if (!data.isStable()) {
      addExamples(data.atEpoch(0));
    }
    return this;
  }

  private void addExamples(Dataset data) {
    add(data.size(), data.inputShape(), data.inputs(), data.targets());
    float[] input = new float[data.inputShape().size()];
    for (int i = 0; i < data.size(); i++) {
      data.readInput(i, input, 0);
      add(input);
      for (Target target : data.targets()) {
        float[] answer = new float[target.isClasses() ? 1 : target.width()];
        boolean isKnown = data.readTarget(target.task(), i, answer, 0);
        add(isKnown ? answer : new float[0]);
      }
    }
  }

  private void add(float[] numbers) {
    ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES + numbers.length * Float.BYTES);
    bytes.putInt(numbers.length);
    for (float number : numbers) {
      bytes.putFloat(number);
    }
    digest.update(bytes.flip());
  }

  /** Returns what was added so far; more may follow. */
  String hex() {
    try {
      return HexFormat.of().formatHex(((MessageDigest) digest.clone()).digest());
    } catch (CloneNotSupportedException impossible) {
      throw new IllegalStateException("SHA-256 can be cloned", impossible);
    }
  }
}

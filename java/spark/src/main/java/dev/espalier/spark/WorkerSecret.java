// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * What the workers of a job know and nobody else: each proves to the other that it does, before
 * anything else is said. It goes to them with the job's closure, as safe as Spark sends it.
 *
 * @param key random bytes, drawn on the driver
 */
record WorkerSecret(byte[] key) implements Serializable {
  private static final int KEY_BYTES = 32;
  private static final String ALGORITHM = "HmacSHA256";

  /** Draws one. */
  static WorkerSecret draw() {
    return new WorkerSecret(random());
  }

  private static byte[] random() {
    byte[] bytes = new byte[KEY_BYTES];
    new SecureRandom().nextBytes(bytes);
    return bytes;
  }

  /** Proves to a listening worker who this one is, and has that prove that it is of the job. */
  void prove(DataInputStream in, DataOutputStream out, int rank) throws IOException {
    byte[] mine = random();
    out.writeInt(rank);
    out.write(mine);
    out.flush();
    byte[] others = in.readNBytes(KEY_BYTES);
    require(in, mac("listens", rank, mine, others));
    out.write(mac("connects", rank, mine, others));
    out.flush();
    require(in, mac("admits", rank, mine, others));
  }

  /** Has a worker that connected prove who it is; returns its rank. */
  int admit(DataInputStream in, DataOutputStream out) throws IOException {
    int rank = in.readInt();
    byte[] others = in.readNBytes(KEY_BYTES);
    byte[] mine = random();
    out.write(mine);
    out.write(mac("listens", rank, others, mine));
    out.flush();
    require(in, mac("connects", rank, others, mine));
    out.write(mac("admits", rank, others, mine));
    out.flush();
    return rank;
  }

  private static void require(DataInputStream in, byte[] expected) throws IOException {
    byte[] got = in.readNBytes(expected.length);
    if (got.length < expected.length) {
      throw new IOException(
          "expected a proof of being of this job, but the connection ended; the other one may have"
              + " another secret");
    }
    if (!MessageDigest.isEqual(expected, got)) {
      throw new IOException("expected a worker of this job, got one that does not know its secret");
    }
  }

  private byte[] mac(String says, int rank, byte[] connecting, byte[] listening) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(key, ALGORITHM));
      mac.update(says.getBytes(StandardCharsets.UTF_8));
      mac.update(ByteBuffer.allocate(Integer.BYTES).putInt(rank).array());
      mac.update(connecting);
      return mac.doFinal(listening);
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException("every Java platform has " + ALGORITHM, impossible);
    }
  }

  @Override
  public String toString() {
    return "WorkerSecret"; // and not what it is
  }
}

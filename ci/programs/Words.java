// SPDX-License-Identifier: Apache-2.0

import dev.espalier.text.Tokenizer;
import java.util.Arrays;

/** Finds the tokens of a text, where there is neither JavaCPP nor a native library. */
public final class Words {
  private Words() {}

  /**
   * Prints ids.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    Tokenizer tokenizer =
        Tokenizer.ofJson(
            "{\"pre_tokenizer\":{\"type\":\"Whitespace\"},\"model\":{\"type\":\"WordLevel\","
                + "\"vocab\":{\"an\":0,\"apple\":1,\"<unk>\":2},\"unk_token\":\"<unk>\"}}");
    System.out.println(Arrays.toString(tokenizer.encode("an apple tree").ids()));
  }
}

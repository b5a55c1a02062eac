// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.ContentIndex.Content;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class ContentIndexTest {
  @Test
  void findsTheFirstExampleOfEachContent() {
    ContentIndex index = new ContentIndex();
    assertTrue(index.isEmpty());
    for (int example = 0; example < 1000; example++) {
      index.put(new Content(example & 31, example >> 5), example); // many in few places
      index.put(new Content(example & 31, example >> 5), example + 5000);
    }
    for (int example = 0; example < 1000; example++) {
      assertEquals(example, index.find(new Content(example & 31, example >> 5)));
    }
    assertEquals(-1, index.find(new Content(0, 1000)));
  }

  /** The example of FIPS 180-2, B.1. */
  @Test
  void aContentIsHalfASha256() {
    Content content = Content.of(ByteBuffer.wrap(new byte[] {'a', 'b', 'c'}));
    assertEquals(new Content(0xba7816bf8f01cfeaL, 0x414140de5dae2223L), content);
    assertNotEquals(content, Content.of(ByteBuffer.wrap(new byte[] {'a', 'b', 'd'})));
  }
}

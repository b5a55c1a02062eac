// SPDX-License-Identifier: Apache-2.0
public class Start {
  public static void main(String[] arguments) {
    System.out.println(dev.espalier.Espalier.describe());
  }
}

package dev.outboxrelay.benchmarks;

/** What a Java process costs by itself. */
final class ColdNothing {
  private ColdNothing() {}

  public static void main(String[] arguments) {}
}

package dev.outboxrelay.relay.inspect;

/**
 * Bytes that hold no valid record although they should.
 *
 * @param cycle where
 * @param offset of their beginning in the cycle's file
 * @param bytes how many, 0 = unknown, as nothing readable follows in this cycle
 * @param kind a stable name: {@code unreadable-header}, {@code hostile-length}, {@code
 *     chain-ends-before-word1}, {@code crc}, {@code not-a-record}
 * @param detail more of it, with the values
 */
public record Damage(long cycle, long offset, long bytes, String kind, String detail) {
  static final String CRC = "crc";
  static final String NOT_A_RECORD = "not-a-record";

  /** Whether what follows had to be searched for: its length could not be told. */
  boolean breaksTheChain() {
    return !kind.equals(CRC) && !kind.equals(NOT_A_RECORD);
  }
}

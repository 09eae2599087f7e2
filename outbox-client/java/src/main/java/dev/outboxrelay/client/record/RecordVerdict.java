package dev.outboxrelay.client.record;

/** Whether bytes are a record, and if not, the first check that failed; in the order of checks. */
public enum RecordVerdict {
  VALID,
  /** The header word's length is no record's. */
  BAD_LENGTH,
  BAD_MAGIC,
  /** A record of before the first release: nothing of it is to be touched (FORMAT I11). */
  FORMER_FORMAT,
  /** The CRC differs, and the lengths do not add up either: where it ends is not known. */
  BAD_LENGTHS,
  /**
   * The CRC differs, and the lengths add up: exactly one record is damaged, or out of its place.
   */
  BAD_CRC,
  /** A record that a later version wrote: nothing of it is to be touched (FORMAT I11). */
  LATER_VERSION,
  /** The CRC is right, and what it covers is not what a writer writes. */
  BAD_FIELDS;

  public boolean isValid() {
    return this == VALID;
  }

  /** Whether a version of ours wrote it that this one does not know, or knows no more. */
  public boolean isOtherFormat() {
    return this == FORMER_FORMAT || this == LATER_VERSION;
  }
}

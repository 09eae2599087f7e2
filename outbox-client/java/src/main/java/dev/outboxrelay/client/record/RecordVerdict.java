package dev.outboxrelay.client.record;

/** Whether bytes are a record, and if not, the first check that failed. */
public enum RecordVerdict {
  VALID,
  TOO_SHORT,
  BAD_MAGIC,
  BAD_VERSION,
  BAD_FLAGS,
  BAD_LENGTHS,
  BAD_CRC,
  BAD_HEADERS;

  public boolean isValid() {
    return this == VALID;
  }
}

package dev.outboxrelay.client.disk;

/**
 * What an operation on a {@link Disk} is for: the steps of the writers' protocol, by which tests
 * place their faults.
 */
public enum DiskStep {
  LOCK,
  PAYLOAD,
  AHEAD,
  PUBLISH,
  STATE,
  WORD2,
  WORD1,
  INDEX,
  INDEX_PAGE,
  EOF_TAIL,
  EOF,
  CREATE,
  LINK,
  UNLINK,
  LISTING,
  POSITION,
  FAILURES,
  SYNC_LOCK,
  SYNCED,
  CONTROL
}

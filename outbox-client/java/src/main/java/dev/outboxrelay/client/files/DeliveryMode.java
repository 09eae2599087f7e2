package dev.outboxrelay.client.files;

/** How the relay delivers. */
public enum DeliveryMode {
  AT_LEAST_ONCE(0),
  EXACTLY_ONCE(1);

  private final int code;

  DeliveryMode(int code) {
    this.code = code;
  }

  /** The mode's number in {@code relay.position}. */
  int code() {
    return code;
  }

  /** The mode with this number, or null. */
  static DeliveryMode of(int code) {
    return switch (code) {
      case 0 -> AT_LEAST_ONCE;
      case 1 -> EXACTLY_ONCE;
      default -> null;
    };
  }

  /** The name used in {@code OUTBOX_DELIVERY}. */
  @Override
  public String toString() {
    return this == EXACTLY_ONCE ? "exactly-once" : "at-least-once";
  }
}

package dev.outboxrelay.relay.pipeline;

/** Why a pipeline can't be opened. The message says what, which value, and the way out. */
public abstract sealed class PipelineRefused extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private PipelineRefused(String message, Throwable cause) {
    super(message, cause);
  }

  /** Another relay holds this outbox. */
  public static final class HeldByAnother extends PipelineRefused {
    private static final long serialVersionUID = 1L;

    public HeldByAnother(String message) {
      super(message, null);
    }
  }

  /** The directory can't be used: rights, links, file system. */
  public static final class Unusable extends PipelineRefused {
    private static final long serialVersionUID = 1L;

    public Unusable(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** Another version wrote what stands here: it is left as it is, byte for byte. */
  public static final class OtherFormat extends PipelineRefused {
    private static final long serialVersionUID = 1L;

    public OtherFormat(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** Position and outbox don't belong together; an operator has to decide which one holds. */
  public static final class NeedsOperator extends PipelineRefused {
    private static final long serialVersionUID = 1L;

    public NeedsOperator(String message) {
      super(message, null);
    }
  }
}

package dev.outboxrelay.client.files;

import dev.outboxrelay.client.cycle.CycleName;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.record.RecordLimits;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Where everything of an outbox lies.
 *
 * @param root the directory {@code <outbox>}, absolute
 * @param queue the Chronicle queue in it
 */
public record OutboxPaths(Path root, Path queue) {
  /** In a queue: more than ten years of hours. */
  private static final int MOST_NAMES = 100_000;

  /** By their names. */
  public OutboxPaths(Path root) {
    this(root, root.resolve("queue"));
  }

  public Path metadata() {
    return queue().resolve("metadata.cq4t");
  }

  /** The file of a cycle, whether it exists or not. */
  public Path cycle(long cycle) {
    return queue().resolve(CycleName.of(cycle));
  }

  /** Where a cycle is built before it is renamed into place. */
  public Path cycleBeingBuilt(long cycle) {
    return queue().resolve("." + CycleName.of(cycle) + ".tmp");
  }

  /** Cycles that were being built when their writers died; empty if there is no queue yet. */
  public List<Path> leftovers() throws IOException {
    List<Path> leftovers = new ArrayList<>();
    try (DirectoryStream<Path> names = Files.newDirectoryStream(queue(), ".*.cq4.tmp")) {
      for (Path name : names) {
        String built = name.getFileName().toString();
        if (CycleName.parse(built.substring(1, built.length() - 4)).isPresent()) {
          leftovers.add(name);
        }
      }
    } catch (NoSuchFileException e) {
      return leftovers;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return leftovers;
  }

  /** The writers' lock. */
  public Path lock() {
    return root.resolve("outbox.lock");
  }

  public Path state() {
    return root.resolve("outbox.state");
  }

  public Path failures() {
    return root.resolve("append.failures");
  }

  public Path relayLock() {
    return root.resolve("relay.lock");
  }

  public Path position() {
    return root.resolve("relay.position");
  }

  public Path outcomes() {
    return root.resolve("relay.outcomes");
  }

  /** What the relay last told to be wrong. */
  public Path troubles() {
    return root.resolve("relay.troubles");
  }

  /** Of {@code dead-letters/}: up to where they are copied to a topic. */
  public Path copied() {
    return root.resolve("relay.copied");
  }

  /** An outbox of its own, written by the relay alone. */
  public OutboxPaths deadLetters() {
    return new OutboxPaths(root.resolve("dead-letters"));
  }

  /** Outboxes of parked topics, named for them; written by the relay alone. */
  public Path parked() {
    return root.resolve("parked");
  }

  /**
   * The outbox of a parked topic.
   *
   * @throws dev.outboxrelay.client.InvalidEvent if that is no topic's name, and may lead elsewhere
   */
  public OutboxPaths parked(String topic) {
    RecordLimits.checkTopicName(topic);
    return new OutboxPaths(parked().resolve(topic));
  }

  /** An outbox for what is on its way to those of parked topics; written by the relay alone. */
  public OutboxPaths staged() {
    return new OutboxPaths(root.resolve("staged"));
  }

  public Path quarantine() {
    return root.resolve("quarantine");
  }

  public Path control() {
    return root.resolve("control");
  }

  /** The cycles whose files exist, ascending; empty if there is no queue yet. */
  public List<Long> cycles() throws IOException {
    List<Long> cycles = new ArrayList<>();
    try (DirectoryStream<Path> names = Files.newDirectoryStream(queue())) {
      int looked = 0;
      for (Path name : names) {
        if (++looked > MOST_NAMES) {
          throw new FileSystemException(
              OwnDescriptors.nameOf(queue()).toString(),
              null,
              "holds more than " + MOST_NAMES + " names: remove what is not the outbox's");
        }
        CycleName.parse(name.getFileName().toString()).ifPresent(cycles::add);
      }
    } catch (NoSuchFileException e) {
      return cycles;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    Collections.sort(cycles);
    return cycles;
  }
}

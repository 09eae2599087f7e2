package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxStatus;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.HeldSum;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.BiConsumer;

/** What is parked of an outbox by its files alone, for who looks from outside. Changes nothing. */
public final class ParkedFiles {
  private ParkedFiles() {}

  /**
   * Looks at each topic's outbox. One that can't be read counts as an event that waits.
   *
   * @param main the outbox whose events they are
   * @throws IOException if the directory can't be read
   */
  public static Held read(OutboxPaths main) throws IOException {
    HeldSum sum = new HeldSum();
    each(main, sum::add);
    return sum.sum();
  }

  /**
   * The same, topic by topic, in no order; also of those of which nothing is left.
   *
   * @param visitor told how much it holds, and when the oldest was appended, if that is known
   */
  public static void each(OutboxPaths main, BiConsumer<Held.Topic, OptionalLong> visitor)
      throws IOException {
    Map<String, Staging.Count> staged = Staging.look(main);
    BiConsumer<Held.Topic, OptionalLong> all =
        (topic, oldest) -> {
          Staging.Count more = staged.remove(topic.name());
          OptionalLong first =
              oldest.isPresent() || more == null ? oldest : OptionalLong.of(more.oldestMillis());
          visitor.accept(with(more, topic), first);
        };
    eachName(main, (topic, root) -> look(topic, new OutboxPaths(root), all));
    staged.forEach(
        (topic, more) ->
            visitor.accept(
                new Held.Topic(topic, more.events(), more.bytes()),
                OptionalLong.of(more.oldestMillis())));
  }

  /** The topics that have a directory which an outbox may be in, in order. */
  public static SortedSet<String> topics(OutboxPaths main) throws IOException {
    SortedSet<String> topics = new TreeSet<>();
    eachName(
        main,
        (topic, root) -> {
          if (Files.isDirectory(root, LinkOption.NOFOLLOW_LINKS)) {
            topics.add(topic);
          }
        });
    return topics;
  }

  private static void eachName(OutboxPaths main, BiConsumer<String, Path> visitor)
      throws IOException {
    SafeFiles.Attributes found = SafeFiles.attributes(main.parked());
    if (found == null || !found.directory()) {
      return;
    }
    try (DirectoryStream<Path> names = Files.newDirectoryStream(main.parked())) {
      for (Path name : names) {
        String topic = name.getFileName().toString();
        if (RecordLimits.isTopicName(topic)) {
          visitor.accept(topic, name);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }

  private static Held.Topic with(Staging.Count staged, Held.Topic topic) {
    return staged == null
        ? topic
        : new Held.Topic(
            topic.name(), topic.events() + staged.events(), topic.bytes() + staged.bytes());
  }

  private static void look(
      String topic, OutboxPaths paths, BiConsumer<Held.Topic, OptionalLong> visitor) {
    try {
      SafeFiles.Attributes root = SafeFiles.attributes(paths.root());
      if (root != null && root.directory()) {
        OutboxStatus status = new OutboxReader(paths).status();
        OptionalLong oldest =
            status.lagEvents() == 0 ? OptionalLong.empty() : ParkedHead.appendMillis(paths);
        visitor.accept(new Held.Topic(topic, status.lagEvents(), status.lagBytes()), oldest);
        return;
      }
    } catch (IOException | OutboxError e) {
      // as what is no outbox
    }
    visitor.accept(new Held.Topic(topic, 1, 0), OptionalLong.empty());
  }
}

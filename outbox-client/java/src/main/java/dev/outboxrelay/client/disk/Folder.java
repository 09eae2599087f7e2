package dev.outboxrelay.client.disk;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * A directory that is held by its descriptor: what is opened, made, linked, listed and removed
 * below {@link #path} lies in it, wherever the path that it was opened by leads later.
 *
 * <p>A {@link java.nio.file.SecureDirectoryStream} would do so too, but it makes no links, and
 * tells neither group nor number of links. Without Linux's {@code /proc}, and where the directory
 * may be passed but not read, it is held by its path alone.
 */
public final class Folder implements Closeable {
  private final Path path;
  private final FileChannel channel; // null if it is held by its path

  private Folder(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /** Opens a directory, which must exist; through no link. */
  public static Folder hold(Path directory) throws IOException {
    FileChannel channel;
    try {
      // By its own entry, as to open a pipe that somebody has put there would wait.
      channel = FileChannel.open(directory.resolve("."), StandardOpenOption.READ);
    } catch (AccessDeniedException e) {
      return new Folder(directory, null);
    } catch (NoSuchFileException e) {
      throw new NoSuchFileException(directory.toString());
    } catch (FileSystemException e) {
      throw new FileSystemException(directory.toString(), null, e.getReason());
    }
    try {
      Optional<Path> own = OwnDescriptors.pathOf(channel::tryLock);
      if (own.isPresent()) {
        Folder held = new Folder(own.get(), channel);
        SafeFiles.Attributes named = SafeFiles.attributes(directory);
        if (named == null || !named.key().equals(held.attributes().key())) {
          throw new FileSystemException(
              directory.toString(), null, "is a link, or was replaced just now");
        }
        return held;
      }
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
    channel.close();
    return new Folder(directory, null);
  }

  /** Where it is reached. */
  public Path path() {
    return path;
  }

  /** What is held. */
  public SafeFiles.Attributes attributes() throws IOException {
    return SafeFiles.attributes(path);
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
    }
  }

  /** An error of the system with the names that a user knows, in place of descriptors. */
  public static IOException named(IOException error) {
    if (!(error instanceof FileSystemException found) || found.getFile() == null) {
      return error;
    }
    String name = OwnDescriptors.nameOf(Path.of(found.getFile())).toString();
    if (name.equals(found.getFile())) {
      return error;
    }
    FileSystemException named;
    if (error instanceof NoSuchFileException) {
      named = new NoSuchFileException(name, null, found.getReason());
    } else if (error instanceof AccessDeniedException) {
      named = new AccessDeniedException(name, null, found.getReason());
    } else {
      named = new FileSystemException(name, null, found.getReason());
    }
    named.initCause(error);
    return named;
  }
}

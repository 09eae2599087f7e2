package dev.outboxrelay.relay.inspect;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Tells who holds a relay's lock without touching it: even a short try of our own could make a
 * relay that starts just then believe that another one runs.
 */
public final class LockHolder {
  private static final Path KERNEL_LOCKS = Path.of("/proc/locks");
  private static final int TYPE = 1;
  private static final int PID = 4;
  private static final int FILE = 5;

  private LockHolder() {}

  /** Process id of the relay that runs; empty if none is seen from here. */
  public static OptionalLong of(Path lockFile) {
    try {
      Map<String, Object> stat =
          Files.readAttributes(lockFile, "unix:dev,ino", LinkOption.NOFOLLOW_LINKS);
      String file = kernelName((Long) stat.get("dev"), (Long) stat.get("ino"));
      return find(file, Files.readAllLines(KERNEL_LOCKS));
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return OptionalLong.empty();
    }
  }

  static OptionalLong find(String file, List<String> locks) {
    for (String lock : locks) {
      String[] fields = lock.trim().split("\\s+", -1);
      if (fields.length > FILE && !fields[TYPE].equals("->") && fields[FILE].equals(file)) {
        return OptionalLong.of(Long.parseLong(fields[PID]));
      }
    }
    return OptionalLong.empty();
  }

  static String kernelName(long device, long inode) {
    long major = (device >> 8 & 0xfff) | (device >> 32 & ~0xfffL);
    long minor = (device & 0xff) | (device >> 12 & 0xffffff00L);
    return String.format("%02x:%02x:%d", major, minor, inode);
  }
}

package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import java.io.Closeable;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * The real disk below a directory, with one fault at one of the relay's changes; and what of all
 * that was written there a power cut leaves.
 */
final class LosingDisk implements Closeable {
  /** What happens at the chosen change. */
  enum Fault {
    NONE,
    /** The relay is killed, and the change was not made. */
    KILLED_BEFORE,
    /** The same, and it was made. */
    KILLED_AFTER,
    /** This change fails, and no other; a mapped store is none that can. */
    FAILS,
    /** It is the first one that finds no space; so do all writes behind it, for a while. */
    FULL,
    /** From then on nothing below {@code parked/a/} gets onto stable storage. */
    PARKED_UNSYNCED
  }

  /** The relay was killed. */
  static final class Killed extends Error {
    private static final long serialVersionUID = 1L;
  }

  /** What was changed, in order. */
  final List<String> steps = new ArrayList<>();

  private final SyncedFiles synced;
  private final Path unsyncable;
  private int at = Integer.MAX_VALUE;
  private Fault fault = Fault.NONE;
  private int changes;
  private boolean dead;
  private boolean full;
  private boolean unsynced;
  private boolean happened;

  LosingDisk(Path root) throws IOException {
    unsyncable = root.toRealPath().resolve("parked/a");
    synced = new SyncedFiles(root);
  }

  /** A fault at a change, counted from 0 and from now on. */
  void plan(Fault what, int when) {
    fault = what;
    at = changes + when;
    happened = false;
  }

  /** Whether the fault that was planned has happened. */
  boolean happened() {
    return happened;
  }

  boolean isFull() {
    return full;
  }

  /** All is well again. */
  void clear() {
    full = false;
    unsynced = false;
  }

  /** Another process uses it. */
  void revive() {
    dead = false;
  }

  /** What a power cut leaves is left; {@code coins} = null for nothing but what was synced. */
  void losePower(Random coins) throws IOException {
    synced.losePower(coins);
  }

  /** As the relay has it. */
  Disk relay() {
    return view(true);
  }

  /** As those have it who write events and requests: nothing befalls them. */
  Disk others() {
    return view(false);
  }

  private Disk view(boolean counted) {
    return (Disk)
        Proxy.newProxyInstance(
            Disk.class.getClassLoader(),
            new Class<?>[] {Disk.class},
            (proxy, method, arguments) -> {
              if (counted && dead) {
                throw new Killed(); // what is dead changes nothing
              }
              boolean change = !method.getName().equals("tryLock");
              return counted && change ? changed(method, arguments) : made(method, arguments);
            });
  }

  private Object changed(Method method, Object[] arguments) throws Throwable {
    DiskStep step = (DiskStep) arguments[arguments.length - 1];
    boolean due = changes == at;
    changes++;
    steps.add(method.getName() + " " + step);
    happened |= due;
    boolean mapped = method.getName().startsWith("store") || method.getName().equals("map");
    if (due && fault == Fault.KILLED_BEFORE) {
      dead = true;
      throw new Killed();
    } else if (due && fault == Fault.FAILS && !mapped) {
      throw new IOException("Input/output error");
    } else if (due && fault == Fault.FULL) {
      full = true;
    } else if (due && fault == Fault.PARKED_UNSYNCED) {
      unsynced = true;
    }
    if (unsynced && method.getName().startsWith("sync") && isUnsyncable(arguments[0])) {
      throw new IOException("Input/output error");
    }
    boolean grows = method.getName().equals("write") || method.getName().equals("link");
    if (full && grows) {
      throw new IOException("No space left on device");
    }
    Object result = made(method, arguments);
    if (due && fault == Fault.KILLED_AFTER) {
      dead = true;
      throw new Killed();
    }
    return result;
  }

  private Object made(Method method, Object[] arguments) throws Throwable {
    if (method.getName().startsWith("sync")) {
      noteSynced(arguments[0]);
      return null;
    }
    try {
      return method.invoke(Disk.REAL, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private boolean isUnsyncable(Object what) throws IOException, ReflectiveOperationException {
    Path path = what instanceof Path directory ? directory : file(what);
    return path.toRealPath().startsWith(unsyncable);
  }

  private void noteSynced(Object what) throws IOException, ReflectiveOperationException {
    if (what instanceof Path directory) {
      synced.directory(directory.toRealPath());
    } else {
      synced.file(file(what));
    }
  }

  private static Path file(Object what) throws ReflectiveOperationException {
    FileDescriptor descriptor =
        what instanceof FileChannel channel
            ? (FileDescriptor) field(channel, "fd")
            : (FileDescriptor) what;
    return Path.of("/proc/self/fd/" + field(descriptor, "fd"));
  }

  private static Object field(Object of, String name) throws ReflectiveOperationException {
    Field field = of.getClass().getDeclaredField(name);
    field.setAccessible(true);
    return field.get(of);
  }

  /** Whether files here can be told from their channels: the JVM has to be started for that. */
  static boolean isPossible() {
    try (FileChannel any = FileChannel.open(Path.of("/proc/self/stat"))) {
      return Files.exists(Path.of("/proc/self/fd/" + field(field(any, "fd"), "fd")));
    } catch (IOException | ReflectiveOperationException | RuntimeException e) {
      return false;
    }
  }

  @Override
  public void close() throws IOException {
    synced.close();
  }
}

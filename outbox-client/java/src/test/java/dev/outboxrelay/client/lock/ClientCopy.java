package dev.outboxrelay.client.lock;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.Outbox;
import java.io.Closeable;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.random.RandomGenerator;

/** The client once more in this JVM, as another web application has it. */
final class ClientCopy implements Closeable {
  private static final String CLIENT = "dev.outboxrelay.client.";

  private final URLClassLoader loader;

  ClientCopy() {
    URL built = Outbox.class.getProtectionDomain().getCodeSource().getLocation();
    loader = new URLClassLoader(new URL[] {built}, ClassLoader.getPlatformClassLoader());
  }

  /** An outbox of this copy. */
  final class Writer implements Closeable {
    private final Object outbox;

    private Writer(Object outbox) {
      this.outbox = outbox;
    }

    /** Returns the sequence. */
    long append(String value) throws Exception {
      Object builder = invoke(type("OutboxEvent"), null, "builder", "t");
      builder = invoke(builder.getClass(), builder, "value", value);
      Object event = invoke(builder.getClass(), builder, "build");
      Object receipt = invoke(outbox.getClass(), outbox, "append", event);
      return (Long) invoke(receipt.getClass(), receipt, "sequence");
    }

    @Override
    public void close() throws IOException {
      closeOther(outbox);
    }
  }

  /** A writers' lock of this copy. */
  static final class Lock implements Closeable {
    private final Object lock;

    private Lock(Object lock) {
      this.lock = lock;
    }

    void acquire(Duration timeout) throws Exception {
      invoke(lock.getClass(), lock, "acquire", timeout);
    }

    void release() throws Exception {
      invoke(lock.getClass(), lock, "release");
    }

    Sync syncLock() throws Exception {
      return new Sync(invoke(lock.getClass(), lock, "syncLock"));
    }

    @Override
    public void close() throws IOException {
      closeOther(lock);
    }
  }

  /** A sync lock of this copy. */
  static final class Sync {
    private final Object lock;

    private Sync(Object lock) {
      this.lock = lock;
    }

    boolean tryAcquire() throws Exception {
      Class<?> disk = lock.getClass().getClassLoader().loadClass(CLIENT + "disk.Disk");
      return (Boolean) invoke(lock.getClass(), lock, "tryAcquire", disk.getField("REAL").get(null));
    }

    void release() throws Exception {
      invoke(lock.getClass(), lock, "release");
    }
  }

  Writer open(Path path, Duration lockTimeout) throws Exception {
    return open(path, lockTimeout, Durability.PROCESS);
  }

  Writer open(Path path, Duration lockTimeout, Durability durability) throws Exception {
    Object builder = invoke(type("Outbox"), null, "builder");
    builder = invoke(builder.getClass(), builder, "path", path);
    builder = invoke(builder.getClass(), builder, "lockTimeout", lockTimeout);
    Object theirs = invoke(type("Durability"), null, "parse", durability.toString());
    builder = invoke(builder.getClass(), builder, "durability", theirs);
    return new Writer(invoke(builder.getClass(), builder, "open"));
  }

  Lock lock(Path file) throws Exception {
    Class<?> disk = type("disk.Disk");
    return new Lock(
        type("lock.WritersLock")
            .getConstructor(Path.class, disk, RandomGenerator.class)
            .newInstance(file, disk.getField("REAL").get(null), RandomGenerator.getDefault()));
  }

  /** To see when nothing of this copy is left. */
  WeakReference<ClassLoader> reference() {
    return new WeakReference<>(loader);
  }

  /** Whether an exception of another copy is of this class of the client. */
  static boolean isA(Throwable thrown, Class<?> type) {
    return thrown.getClass().getName().equals(type.getName());
  }

  private Class<?> type(String name) throws ClassNotFoundException {
    return loader.loadClass(CLIENT + name);
  }

  private static Object invoke(Class<?> type, Object object, String name, Object... arguments)
      throws Exception {
    for (Method method : type.getMethods()) {
      if (method.getName().equals(name) && takes(method, arguments)) {
        try {
          return method.invoke(object, arguments);
        } catch (InvocationTargetException e) {
          if (e.getCause() instanceof Exception cause) {
            throw cause;
          }
          throw e;
        }
      }
    }
    throw new NoSuchMethodException(type + "." + name);
  }

  private static boolean takes(Method method, Object... arguments) {
    Class<?>[] types = method.getParameterTypes();
    if (types.length != arguments.length) {
      return false;
    }
    for (int i = 0; i < types.length; i++) {
      if (!types[i].isInstance(arguments[i])) {
        return false;
      }
    }
    return true;
  }

  private static void closeOther(Object closeable) throws IOException {
    try {
      invoke(closeable.getClass(), closeable, "close");
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException(e);
    }
  }

  /** Undeploys it. Does not close what was opened. */
  @Override
  public void close() throws IOException {
    loader.close();
  }
}
